//! What the fixtures of products, coupons and quizzes stand for.

use room_rules::{
    Amount, ChatContent, ChatLine, ChatText, CouponEvent, CouponHolder, CouponId, CouponRecord,
    CouponReply, CouponState, CouponTerms, CouponTicket, CouponView, CouponWorth, Currency,
    CustomData, CustomKind, DanmakuPlace, DanmakuStyle, Event, EventBody, Explanation, Mine,
    Percent, ProductDetails, ProductEvent, ProductId, ProductList, ProductPlaced, ProductRecord,
    ProductView, QuestionId, QuestionView, QuizAsked, QuizEvent, QuizId, QuizOutcome, QuizQuestion,
    QuizRecord, QuizReply, QuizResult, QuizState, QuizView, Reply, SaleView, ShopEvent, ShopReply,
    ShopView, Snapshot, StickerId, TalkEvent, TicketId, Title, Ttl, WebAddress, Whisper, Winner,
};
use wire_format::{
    encode_ack, encode_coupon, encode_event, encode_products, encode_quiz, encode_welcome,
    encode_whisper,
};

use super::{at, line, now, sale, snapshot, user};

/// The number of the first of these events.
const FIRST: u64 = 201;

pub(crate) fn said() -> Vec<(&'static str, String)> {
    let mut said = vec![
        ("Products", encode_products(&record())),
        ("CouponRecord", encode_coupon(&coupon_record(), 0, 1)),
        ("QuizRecord", encode_quiz(&quiz_record(), 0, 1)),
        ("welcome with goods", encode_welcome(&full_snapshot())),
    ];
    for (sequence, (name, body)) in (FIRST..).zip(events().into_iter().chain(talk())) {
        said.push((name, encode_event(&Event { at: now(), sequence, body })));
    }
    for (name, whisper) in whispers() {
        said.push((name, encode_whisper(&whisper, now())));
    }
    said.extend(replies().iter().map(|(name, reply)| (*name, encode_ack(Some("7"), reply, now()))));
    said
}

fn events() -> Vec<(&'static str, EventBody)> {
    let of_product = |event| EventBody::Shop(ShopEvent::Product(event));
    let of_coupon = |event| EventBody::Shop(ShopEvent::Coupon(event));
    let of_quiz = |event| EventBody::Shop(ShopEvent::Quiz(event));
    let updated = |quiz| QuizEvent::Updated(Box::new(quiz));
    let pinned = |product| of_product(ProductEvent::Pinned(product));
    let explained = |to| of_product(ProductEvent::Explained(explained("a-1-product1", 0, to)));
    let sale = SaleView { product: Some(product_id("a-1-product1")), ..sale() };
    vec![
        ("product.updated", of_product(ProductEvent::Updated { product: product(), index: 0 })),
        (
            "product.updated with the least",
            of_product(ProductEvent::Updated { product: least(), index: 1 }),
        ),
        ("product.removed", of_product(ProductEvent::Removed(product().product))),
        ("product.pinned", pinned(Some(product().product))),
        ("product.pinned none", pinned(None)),
        ("product.explained begins", explained(None)),
        ("product.explained ends", explained(Some(5_000))),
        ("sale.updated of a product", EventBody::SaleUpdated(sale)),
        ("coupon.updated", of_coupon(CouponEvent::Updated(coupon()))),
        ("coupon.updated with the least", of_coupon(CouponEvent::Updated(least_coupon()))),
        ("coupon.claimed", of_coupon(CouponEvent::Claimed(ticket()))),
        ("quiz.updated before the first question", of_quiz(updated(waiting()))),
        ("quiz.updated", of_quiz(updated(quiz()))),
        ("quiz.updated when it is over", of_quiz(updated(over()))),
        ("quiz.won", of_quiz(QuizEvent::Won { quiz: quiz().quiz, share: 3_333, pot: quiz().pot })),
    ]
}

fn talk() -> Vec<(&'static str, EventBody)> {
    let chat = |content| EventBody::Chat(ChatLine { content, ..line() });
    let talk = EventBody::Talk;
    let style = DanmakuStyle { colour: Some([0xff, 0x80, 0]), place: DanmakuPlace::Top };
    let text = ChatText::parse("666").unwrap();
    let (kind, data) = (CustomKind::parse("shop.vote"), CustomData::new(r#"{"option":2}"#));
    let custom = ChatContent::Custom { kind: kind.unwrap(), data: data.unwrap() };
    let answered = QuestionView {
        pinned: false,
        answered_at: Some(at(5_000)),
        answer: ChatText::parse("有"),
        ..question()
    };
    vec![
        ("chat that flies", chat(ChatContent::Danmaku { text, style })),
        ("chat sticker", chat(ChatContent::Sticker(StickerId::parse("clap_1").unwrap()))),
        ("chat of one's own", chat(custom)),
        ("chat.deleted", talk(TalkEvent::Deleted(line().id))),
        ("chat.wiped", talk(TalkEvent::Wiped(user("bob")))),
        ("question.updated", talk(TalkEvent::Question(question()))),
        ("question.updated when it is answered", talk(TalkEvent::Question(answered))),
        ("question.gone", talk(TalkEvent::QuestionGone(question().question))),
    ]
}

fn question() -> QuestionView {
    QuestionView {
        question: QuestionId::parse("a-1-question1").unwrap(),
        user: user("bob"),
        name: "Bob".into(),
        text: ChatText::parse("有红色吗?").unwrap(),
        asked_at: now(),
        pinned: true,
        answered_at: None,
        answer: None,
    }
}

fn whispers() -> [(&'static str, Whisper); 2] {
    let content = ChatContent::Text(ChatText::parse("我的订单?").unwrap());
    let whisper = |to| Whisper { line: ChatLine { content: content.clone(), ..line() }, to };
    [("whisper", whisper(None)), ("whisper to one", whisper(Some(user("cara"))))]
}

fn replies() -> Vec<(&'static str, Reply)> {
    let added = ProductPlaced { product: product().product, revision: 1, index: 0 };
    let of_coupon = |reply| Reply::Shop(ShopReply::Coupon(reply));
    let of_quiz = |reply| Reply::Shop(ShopReply::Quiz(reply));
    let (coupon, quiz) = (coupon().coupon, quiz().quiz);
    let asked = QuizReply::Asked { quiz: quiz.clone(), question: 1, close_at: at(10_000) };
    let answered = QuizReply::Answered { quiz: quiz.clone(), question: 1, option: 1 };
    vec![
        ("ack of product.add", Reply::Shop(ShopReply::Product(added))),
        ("ack of coupon.issue", of_coupon(CouponReply::Issued { coupon, open_at: at(3_000) })),
        ("ack of coupon.claim", of_coupon(CouponReply::Claimed(ticket()))),
        ("ack of quiz.open", of_quiz(QuizReply::Opened { quiz })),
        ("ack of quiz.next", of_quiz(asked)),
        ("ack of quiz.answer", of_quiz(answered)),
        ("ack of question.ask", Reply::Question { question: question().question }),
    ]
}

fn full_snapshot() -> Snapshot {
    let goods = ProductList {
        products: vec![product()],
        pinned: Some(product().product),
        explaining: Some(explained("a-1-product1", 0, None)),
    };
    let mine = Mine {
        coupons: vec![(coupon().coupon, ticket().ticket)],
        answers: vec![(quiz().quiz, 1)],
        ..Mine::default()
    };
    let (coupons, quizzes) = (vec![coupon()], vec![quiz()]);
    let shop = ShopView { goods, coupons, quizzes, mine, ..ShopView::default() };
    Snapshot { shop, questions: vec![question()], ..snapshot() }
}

fn coupon() -> CouponView {
    CouponView {
        terms: CouponTerms {
            worth: CouponWorth::Amount(Amount::new(2_000).unwrap()),
            min_spend: Amount::new(10_000).unwrap(),
            product: Some(product_id("a-1-product1")),
            valid_for: Ttl::new(86_400),
            ..least_coupon().terms
        },
        wants_keyword: true,
        state: CouponState::Open,
        ..least_coupon()
    }
}

fn least_coupon() -> CouponView {
    CouponView {
        coupon: CouponId::parse("a-1-coupon1").unwrap(),
        terms: CouponTerms {
            title: Title::parse("满100减20").unwrap(),
            worth: CouponWorth::Percent(Percent::new(20).unwrap()),
            min_spend: Amount::new(0).unwrap(),
            currency: Currency::CNY,
            product: None,
            valid_for: None,
        },
        count: 100,
        left: 98,
        wants_keyword: false,
        open_at: at(3_000),
        close_at: at(63_000),
        state: CouponState::Counting,
    }
}

fn ticket() -> CouponTicket {
    CouponTicket {
        coupon: coupon().coupon,
        ticket: TicketId::parse("a-1-ticket1").unwrap(),
        place: 2,
        left: 98,
        valid_until: Some(at(86_400_000)),
    }
}

fn coupon_record() -> CouponRecord {
    let ticket = ticket().ticket;
    let holder = CouponHolder { ticket, user: user("bob"), name: "Bob".into(), at: now() };
    CouponRecord { coupon: coupon(), holders: vec![holder] }
}

fn quiz() -> QuizView {
    let asked = QuizAsked {
        number: 1,
        text: ChatText::parse("1+1?").unwrap(),
        options: ["1", "2", "3"].map(|text| Title::parse(text).unwrap()).into(),
        asked_at: now(),
        close_at: at(10_000),
        reveal_at: at(13_000),
        answered: 3,
        outcome: None,
    };
    let pot = Some((Amount::new(10_000).unwrap(), Currency::CNY));
    QuizView { pot, state: QuizState::Asking, asked: Some(asked), players: 3, ..waiting() }
}

fn waiting() -> QuizView {
    QuizView {
        quiz: QuizId::parse("a-1-quiz1").unwrap(),
        title: Title::parse("冲顶").unwrap(),
        questions: 1,
        needed: 1,
        pot: None,
        state: QuizState::Waiting,
        asked: None,
        players: 0,
        result: None,
    }
}

fn over() -> QuizView {
    let mut over = quiz();
    over.state = QuizState::Over;
    over.asked.as_mut().unwrap().outcome = Some(outcome());
    over.result = Some(QuizResult { winners: 3, share: 3_333, rest: 1, named: vec![bob()] });
    over
}

fn outcome() -> QuizOutcome {
    QuizOutcome { right: 1, counts: vec![0, 3, 0] }
}

fn quiz_record() -> QuizRecord {
    let asked = quiz().asked.unwrap();
    let question = QuizQuestion::new(asked.text, asked.options, 1).unwrap();
    QuizRecord { quiz: over(), told: vec![(question, outcome())], winners: vec![bob(), bob()] }
}

fn bob() -> Winner {
    Winner { user: user("bob"), name: "Bob".into() }
}

fn record() -> ProductRecord {
    let list = ProductList {
        products: vec![product(), least()],
        pinned: Some(product().product),
        explaining: None,
    };
    let explained =
        vec![explained("a-1-product2", 0, Some(5_000)), explained("a-1-product1", 5_000, None)];
    ProductRecord { list, explained }
}

fn product() -> ProductView {
    let details = ProductDetails {
        stock: Some(100),
        image: WebAddress::parse("/assets/img/rose.svg"),
        url: WebAddress::parse("https://shop.example/l-1"),
        ..least().details
    };
    ProductView { product: product_id("a-1-product1"), details, revision: 3 }
}

fn least() -> ProductView {
    let title = |text| Title::parse(text).unwrap();
    let details = ProductDetails {
        title: title("口红"),
        sku: title("L-1"),
        price: Amount::new(990).unwrap(),
        currency: Currency::CNY,
        stock: None,
        image: None,
        url: None,
    };
    ProductView { product: product_id("a-1-product2"), details, revision: 1 }
}

fn explained(product: &str, from: u64, to: Option<u64>) -> Explanation {
    Explanation { product: product_id(product), from: at(from), to: to.map(at) }
}

fn product_id(text: &str) -> ProductId {
    ProductId::parse(text).unwrap()
}
