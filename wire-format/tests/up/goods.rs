//! What the fixtures of products, coupons and quizzes stand for.

use std::time::Duration;

use room_rules::{
    Amend, Amount, AnswerWindow, ChatContent, ChatId, ChatText, Command, CouponClaim,
    CouponCommand, CouponCount, CouponId, CouponOffer, CouponTerms, CouponWorth, Currency,
    CustomData, CustomKind, DanmakuPlace, DanmakuStyle, IdemKey, Percent, ProductChange,
    ProductCommand, ProductDetails, ProductId, ProductPlace, Quantity, QuestionId, QuizAnswer,
    QuizCommand, QuizId, QuizOffer, QuizQuestion, QuizQuestions, SaleDuration, SaleOffer,
    SaleTerms, ShopCommand, StickerId, StockCount, Suspense, TalkCommand, Title, Ttl, UserId,
    WebAddress,
};

pub(crate) fn commands() -> Vec<(&'static str, Command)> {
    let product = || ProductId::parse("a-1-product1").unwrap();
    let update =
        |rev, change| ProductCommand::Update { product: product(), rev, change: Box::new(change) };
    let less = ProductChange {
        price: Amount::new(890),
        stock: Amend::To(5),
        image: Amend::Clear,
        ..ProductChange::default()
    };
    let to = ProductPlace::new(2).unwrap();
    let products = [
        ("product.add", ProductCommand::Add(Box::new(details()))),
        ("product.add with the least", ProductCommand::Add(Box::new(least()))),
        ("product.update", update(Some(3), less)),
        ("product.update of nothing", update(None, ProductChange::default())),
        ("product.remove", ProductCommand::Remove(product())),
        ("product.move", ProductCommand::Move { product: product(), to }),
        ("product.pin", ProductCommand::Pin(product())),
        ("product.unpin", ProductCommand::Unpin(product())),
        ("explain.start", ProductCommand::ExplainStart(product())),
        ("explain.end", ProductCommand::ExplainEnd(product())),
    ];
    let of_product = |(name, command)| (name, Command::Shop(ShopCommand::Product(command)));
    let mut commands: Vec<_> = products.into_iter().map(of_product).collect();
    commands.extend(coupons());
    commands.extend(quizzes());
    commands.extend(talk());
    commands.push(("sale.announce of a product", Command::SaleAnnounce(sale(product()))));
    commands
}

fn coupons() -> Vec<(&'static str, Command)> {
    let coupon = || CouponId::parse("a-1-coupon1").unwrap();
    let usual = |worth| CouponOffer {
        terms: CouponTerms {
            title: title("满100减20"),
            worth,
            min_spend: Amount::new(0).unwrap(),
            currency: Currency::CNY,
            product: None,
            valid_for: None,
        },
        count: CouponCount::new(100).unwrap(),
        keyword: None,
        lead: Duration::ZERO,
        open_for: SaleDuration::new(60_000).unwrap(),
    };
    let offer = usual(CouponWorth::Amount(Amount::new(2_000).unwrap()));
    let terms = CouponTerms {
        min_spend: Amount::new(10_000).unwrap(),
        product: ProductId::parse("a-1-product1"),
        valid_for: Ttl::new(86_400),
        ..offer.terms.clone()
    };
    let full = CouponOffer {
        terms,
        keyword: Some(title("来,链接")),
        lead: Duration::from_secs(3),
        open_for: SaleDuration::new(30_000).unwrap(),
        ..offer
    };
    let percent = usual(CouponWorth::Percent(Percent::new(20).unwrap()));
    let idem = IdemKey::parse("c-1").unwrap();
    let claim = CouponClaim { coupon: coupon(), keyword: Some(title("来,链接")), idem };
    let coupons = [
        ("coupon.issue", CouponCommand::Issue(Box::new(full))),
        ("coupon.issue with the usual terms", CouponCommand::Issue(Box::new(percent))),
        ("coupon.claim", CouponCommand::Claim(claim)),
        ("coupon.cancel", CouponCommand::Cancel(coupon())),
    ];
    let of_coupon = |(name, command)| (name, Command::Shop(ShopCommand::Coupon(command)));
    coupons.into_iter().map(of_coupon).collect()
}

fn talk() -> Vec<(&'static str, Command)> {
    let text = |text| ChatText::parse(text).unwrap();
    let question = || QuestionId::parse("a-1-question1").unwrap();
    let flying = |style| TalkCommand::Show(ChatContent::Danmaku { text: text("666"), style });
    let top = DanmakuStyle { colour: Some([0xff, 0x80, 0]), place: DanmakuPlace::Top };
    let (kind, data) = (CustomKind::parse("shop.vote"), CustomData::new(r#"{"option":2}"#));
    let custom = ChatContent::Custom { kind: kind.unwrap(), data: data.unwrap() };
    let sticker = StickerId::parse("clap_1").unwrap();
    let whisper = |said, to| TalkCommand::Whisper { text: text(said), to };
    let answer = |text| TalkCommand::Answer { question: question(), text };
    let talk = [
        ("chat.danmaku", flying(top)),
        ("chat.danmaku as it flies", flying(DanmakuStyle::default())),
        ("chat.sticker", TalkCommand::Show(ChatContent::Sticker(sticker))),
        ("chat.custom", TalkCommand::Show(custom)),
        ("chat.whisper", whisper("我的订单?", None)),
        ("chat.whisper to one", whisper("马上!", UserId::parse("bob"))),
        ("chat.delete", TalkCommand::Delete(ChatId::parse("a-1-c3").unwrap())),
        ("question.ask", TalkCommand::Ask(text("有红色吗?"))),
        ("question.pin", TalkCommand::PinQuestion(question())),
        ("question.unpin", TalkCommand::UnpinQuestion(question())),
        ("question.answer", answer(Some(text("有")))),
        ("question.answer aloud", answer(None)),
        ("question.drop", TalkCommand::DropQuestion(question())),
    ];
    talk.into_iter().map(|(name, command)| (name, Command::Talk(command))).collect()
}

fn quizzes() -> Vec<(&'static str, Command)> {
    let quiz = || QuizId::parse("a-1-quiz1").unwrap();
    let question = |text, options: &[&str], right| {
        let options = options.iter().map(|text| title(text)).collect();
        QuizQuestion::new(ChatText::parse(text).unwrap(), options, right).unwrap()
    };
    let first = || question("1+1?", &["1", "2", "3"], 1);
    let offer = |questions, answer_ms, suspense_ms, pot| {
        QuizCommand::Open(Box::new(QuizOffer {
            title: title("冲顶"),
            questions: QuizQuestions::new(questions, 1).unwrap(),
            answer_within: AnswerWindow::new(answer_ms).unwrap(),
            suspense: Suspense::new(suspense_ms).unwrap(),
            pot,
        }))
    };
    let pot = (Amount::new(10_000).unwrap(), Currency::parse("USD").unwrap());
    let two = vec![first(), question("2+2?", &["4", "5"], 0)];
    let idem = IdemKey::parse("q-1").unwrap();
    let answer = QuizAnswer { quiz: quiz(), question: 1, option: 1, idem };
    let quizzes = [
        ("quiz.open", offer(two, 15_000, 5_000, Some(pot))),
        ("quiz.open with the usual terms", offer(vec![first()], 10_000, 3_000, None)),
        ("quiz.next", QuizCommand::Next(quiz())),
        ("quiz.answer", QuizCommand::Answer(answer)),
        ("quiz.cancel", QuizCommand::Cancel(quiz())),
    ];
    let of_quiz = |(name, command)| (name, Command::Shop(ShopCommand::Quiz(command)));
    quizzes.into_iter().map(of_quiz).collect()
}

fn details() -> ProductDetails {
    ProductDetails {
        stock: Some(100),
        image: WebAddress::parse("/assets/img/rose.svg"),
        url: WebAddress::parse("https://shop.example/l-1"),
        ..least()
    }
}

fn least() -> ProductDetails {
    ProductDetails {
        title: title("口红"),
        sku: title("L-1"),
        price: Amount::new(990).unwrap(),
        currency: Currency::CNY,
        stock: None,
        image: None,
        url: None,
    }
}

fn sale(product: ProductId) -> SaleOffer {
    SaleOffer {
        title: title("口红"),
        sku: title("L-1"),
        product: Some(product),
        price_cents: 990,
        stock: StockCount::new(100).unwrap(),
        per_user: Quantity::new(1).unwrap(),
        lead: Duration::from_secs(3),
        open_for: SaleDuration::new(60_000).unwrap(),
        terms: SaleTerms::default(),
    }
}

fn title(text: &str) -> Title {
    Title::parse(text).unwrap()
}
