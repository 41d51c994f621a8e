//! Messages that have a path of their own. A line here makes the path, and the API's document knows it.

/// A path that is another name of a message.
pub(super) struct Twin {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// The operation's name in generated clients.
    pub(super) id: &'static str,
    /// The message.
    pub(super) t: &'static str,
    /// Which fields of its `d` the path holds.
    pub(super) fields: &'static [&'static str],
}

#[derive(Clone, Copy)]
pub(super) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

const fn twin(
    method: Method,
    path: &'static str,
    id: &'static str,
    t: &'static str,
    fields: &'static [&'static str],
) -> Twin {
    Twin { method, path, id, t, fields }
}

const PRODUCT: &str = "/v1/rooms/{room}/products/{product}";
const MUTE: &str = "/v1/rooms/{room}/mutes/{user}";
const BAN: &str = "/v1/rooms/{room}/bans/{user}";

/// The paths of the usual messages. Every other message goes through `commands`.
pub(super) const TWINS: &[Twin] = &[
    twin(Method::Post, "/v1/rooms/{room}/chat", "sendChat", "chat.send", &[]),
    twin(Method::Post, "/v1/rooms/{room}/gifts", "sendGift", "gift.send", &[]),
    twin(
        Method::Post,
        "/v1/rooms/{room}/seats/{user}/accept",
        "acceptSeat",
        "seat.accept",
        &["user"],
    ),
    twin(
        Method::Post,
        "/v1/rooms/{room}/seats/{user}/reject",
        "rejectSeat",
        "seat.reject",
        &["user"],
    ),
    twin(
        Method::Post,
        "/v1/rooms/{room}/seats/{user}/invite",
        "inviteToSeat",
        "seat.invite",
        &["user"],
    ),
    twin(Method::Delete, "/v1/rooms/{room}/seats/{user}", "kickFromSeat", "seat.kick", &["user"]),
    twin(Method::Put, "/v1/rooms/{room}/seats/{user}/mute", "muteSeat", "seat.mute", &["user"]),
    twin(Method::Post, "/v1/rooms/{room}/pk", "invitePk", "pk.invite", &[]),
    twin(Method::Post, "/v1/rooms/{room}/pk/rematch", "rematchPk", "pk.rematch", &[]),
    twin(Method::Post, "/v1/rooms/{room}/pk/{pk}/start", "startPk", "pk.start", &["pk"]),
    twin(Method::Post, "/v1/rooms/{room}/pk/{pk}/accept", "acceptPk", "pk.accept", &["pk"]),
    twin(Method::Post, "/v1/rooms/{room}/pk/{pk}/reject", "rejectPk", "pk.reject", &["pk"]),
    twin(Method::Post, "/v1/rooms/{room}/pk/{pk}/cancel", "cancelPk", "pk.cancel", &["pk"]),
    twin(Method::Delete, "/v1/rooms/{room}/pk/{pk}", "endPk", "pk.end", &["pk"]),
    twin(Method::Post, "/v1/rooms/{room}/sales", "announceSale", "sale.announce", &[]),
    twin(Method::Delete, "/v1/rooms/{room}/sales/{sale}", "cancelSale", "sale.cancel", &["sale"]),
    twin(
        Method::Post,
        "/v1/rooms/{room}/orders/{order}/paid",
        "confirmPayment",
        "order.paid",
        &["order"],
    ),
    twin(Method::Post, "/v1/rooms/{room}/auctions", "openAuction", "auction.open", &[]),
    twin(
        Method::Delete,
        "/v1/rooms/{room}/auctions/{auction}",
        "cancelAuction",
        "auction.cancel",
        &["auction"],
    ),
    twin(
        Method::Post,
        "/v1/rooms/{room}/auctions/{auction}/bids",
        "placeBid",
        "bid.place",
        &["auction"],
    ),
    twin(Method::Post, "/v1/rooms/{room}/products", "addProduct", "product.add", &[]),
    twin(Method::Put, PRODUCT, "updateProduct", "product.update", &["product"]),
    twin(Method::Delete, PRODUCT, "removeProduct", "product.remove", &["product"]),
    twin(
        Method::Put,
        "/v1/rooms/{room}/products/{product}/place",
        "moveProduct",
        "product.move",
        &["product"],
    ),
    twin(
        Method::Put,
        "/v1/rooms/{room}/products/{product}/pin",
        "pinProduct",
        "product.pin",
        &["product"],
    ),
    twin(
        Method::Delete,
        "/v1/rooms/{room}/products/{product}/pin",
        "unpinProduct",
        "product.unpin",
        &["product"],
    ),
    twin(
        Method::Put,
        "/v1/rooms/{room}/products/{product}/explanation",
        "startExplaining",
        "explain.start",
        &["product"],
    ),
    twin(
        Method::Delete,
        "/v1/rooms/{room}/products/{product}/explanation",
        "endExplaining",
        "explain.end",
        &["product"],
    ),
    twin(Method::Post, "/v1/rooms/{room}/coupons", "issueCoupons", "coupon.issue", &[]),
    twin(
        Method::Delete,
        "/v1/rooms/{room}/coupons/{coupon}",
        "cancelCoupons",
        "coupon.cancel",
        &["coupon"],
    ),
    twin(
        Method::Post,
        "/v1/rooms/{room}/coupons/{coupon}/claims",
        "claimCoupon",
        "coupon.claim",
        &["coupon"],
    ),
    twin(Method::Post, "/v1/rooms/{room}/quizzes", "openQuiz", "quiz.open", &[]),
    twin(Method::Delete, "/v1/rooms/{room}/quizzes/{quiz}", "cancelQuiz", "quiz.cancel", &["quiz"]),
    twin(
        Method::Post,
        "/v1/rooms/{room}/quizzes/{quiz}/questions",
        "askNext",
        "quiz.next",
        &["quiz"],
    ),
    twin(
        Method::Post,
        "/v1/rooms/{room}/quizzes/{quiz}/answers",
        "answerQuiz",
        "quiz.answer",
        &["quiz"],
    ),
    twin(Method::Delete, "/v1/rooms/{room}/chat/{id}", "deleteChat", "chat.delete", &["id"]),
    twin(Method::Post, "/v1/rooms/{room}/questions", "askQuestion", "question.ask", &[]),
    twin(
        Method::Delete,
        "/v1/rooms/{room}/questions/{question}",
        "dropQuestion",
        "question.drop",
        &["question"],
    ),
    twin(
        Method::Put,
        "/v1/rooms/{room}/questions/{question}/pin",
        "pinQuestion",
        "question.pin",
        &["question"],
    ),
    twin(
        Method::Delete,
        "/v1/rooms/{room}/questions/{question}/pin",
        "unpinQuestion",
        "question.unpin",
        &["question"],
    ),
    twin(
        Method::Put,
        "/v1/rooms/{room}/questions/{question}/answer",
        "answerQuestion",
        "question.answer",
        &["question"],
    ),
    twin(Method::Get, "/v1/rooms/{room}/moderation", "listSanctions", "mod.list", &[]),
    twin(Method::Put, MUTE, "muteUser", "mod.mute", &["user"]),
    twin(Method::Delete, MUTE, "unmuteUser", "mod.unmute", &["user"]),
    twin(Method::Put, BAN, "banUser", "mod.ban", &["user"]),
    twin(Method::Delete, BAN, "unbanUser", "mod.unban", &["user"]),
    twin(Method::Put, "/v1/rooms/{room}/slow-mode", "setSlowMode", "mod.slow", &[]),
    twin(Method::Put, "/v1/rooms/{room}/silence", "silenceAll", "mod.mute_all", &[]),
    twin(Method::Post, "/v1/rooms/{room}/words", "changeBlockedWords", "mod.words", &[]),
    twin(Method::Patch, "/v1/rooms/{room}/settings", "configureRoom", "room.configure", &[]),
    twin(Method::Put, "/v1/rooms/{room}/hidden", "hideRoom", "room.hide", &[]),
    twin(Method::Post, "/v1/rooms/{room}/open", "openRoom", "room.open", &[]),
    twin(Method::Post, "/v1/rooms/{room}/drafts", "draftSale", "sale.draft", &[]),
    twin(Method::Post, "/v1/rooms/{room}/drafts/{sale}/arm", "armSale", "sale.arm", &["sale"]),
    twin(
        Method::Post,
        "/v1/rooms/{room}/sales/{sale}/postpone",
        "postponeSale",
        "sale.postpone",
        &["sale"],
    ),
    twin(Method::Post, "/v1/rooms/{room}/sales/{sale}/pause", "pauseSale", "sale.pause", &["sale"]),
    twin(
        Method::Post,
        "/v1/rooms/{room}/sales/{sale}/resume",
        "resumeSale",
        "sale.resume",
        &["sale"],
    ),
    twin(Method::Post, "/v1/rooms/{room}/sales/{sale}/close", "closeSale", "sale.close", &["sale"]),
    twin(Method::Post, "/v1/rooms/{room}/packets", "openPacket", "packet.open", &[]),
    twin(
        Method::Delete,
        "/v1/rooms/{room}/packets/{packet}",
        "cancelPacket",
        "packet.cancel",
        &["packet"],
    ),
    twin(
        Method::Post,
        "/v1/rooms/{room}/packets/{packet}/claims",
        "claimPacket",
        "packet.claim",
        &["packet"],
    ),
    twin(Method::Post, "/v1/rooms/{room}/lotteries", "openLottery", "lottery.open", &[]),
    twin(
        Method::Delete,
        "/v1/rooms/{room}/lotteries/{lottery}",
        "abortLottery",
        "lottery.abort",
        &["lottery"],
    ),
    twin(
        Method::Post,
        "/v1/rooms/{room}/lotteries/{lottery}/entries",
        "enterLottery",
        "lottery.enter",
        &["lottery"],
    ),
];
