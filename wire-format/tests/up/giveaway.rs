//! Red packets and lotteries as their fixtures have them.

use std::time::Duration;

use room_rules::{
    Command, GiveawayCommand, IdemKey, LotteryEntry, LotteryId, LotteryOffer, PacketClaim,
    PacketId, PacketOffer, PacketSplit, PacketSum, SaleDuration, Suspense, Title, WinnerCount,
};

pub(crate) fn packet_open(word: Option<&str>, lead_ms: u64, open_for_ms: u32) -> Command {
    Command::Giveaway(GiveawayCommand::PacketOpen(Box::new(PacketOffer {
        title: title("福气"),
        sum: PacketSum::new(10_000, 10, PacketSplit::Lucky).unwrap(),
        keyword: word.map(title),
        lead: Duration::from_millis(lead_ms),
        open_for: SaleDuration::new(open_for_ms).unwrap(),
        seed: None,
    })))
}

pub(crate) fn packet_claim() -> Command {
    let (packet, idem) = (packet_id(), IdemKey::parse("r-1").unwrap());
    let claim = PacketClaim { packet, keyword: Some(title("来,链接")), idem };
    Command::Giveaway(GiveawayCommand::PacketClaim(claim))
}

pub(crate) fn packet_cancel() -> Command {
    Command::Giveaway(GiveawayCommand::PacketCancel(packet_id()))
}

pub(crate) fn lottery_open(
    winners: u32,
    word: Option<&str>,
    open_for_ms: u32,
    suspense_ms: u32,
) -> Command {
    Command::Giveaway(GiveawayCommand::LotteryOpen(Box::new(LotteryOffer {
        title: title("抽奖"),
        prize: title("口红"),
        winners: WinnerCount::new(winners).unwrap(),
        keyword: word.map(title),
        open_for: SaleDuration::new(open_for_ms).unwrap(),
        suspense: Suspense::new(suspense_ms).unwrap(),
        seed: None,
    })))
}

pub(crate) fn lottery_enter() -> Command {
    let (lottery, idem) = (lottery_id(), IdemKey::parse("l-1").unwrap());
    Command::Giveaway(GiveawayCommand::LotteryEnter(LotteryEntry { lottery, keyword: None, idem }))
}

pub(crate) fn lottery_abort() -> Command {
    Command::Giveaway(GiveawayCommand::LotteryAbort(lottery_id()))
}

fn packet_id() -> PacketId {
    PacketId::parse("a-1-packet1").unwrap()
}

fn lottery_id() -> LotteryId {
    LotteryId::parse("a-1-lottery1").unwrap()
}

fn title(text: &str) -> Title {
    Title::parse(text).unwrap()
}
