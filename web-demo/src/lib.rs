//! The pages a shop opens: the list of rooms, the host's studio and the viewer's page.
//!
//! They are plain ES modules without a build step, compiled into the binary so that one file is the
//! whole product. What surprises: adding a file under `assets/` is not enough, it must also be named
//! in the table below, and a test fails until it is.

#![forbid(unsafe_code)]

/// One file as the browser gets it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Asset {
    /// The value of the `Content-Type` header.
    pub content_type: &'static str,
    /// The bytes of the file.
    pub body: &'static [u8],
}

/// Returns the file behind a request path such as `/watch` or `/assets/clock.js`.
pub fn asset(path: &str) -> Option<Asset> {
    let name = match path {
        "/" => "index.html",
        "/studio" => "studio.html",
        "/watch" => "watch.html",
        "/api" => "api.html",
        other => other.strip_prefix("/assets/")?,
    };
    let (name, body) = FILES.iter().find(|(file, _)| *file == name)?;

    Some(Asset { content_type: content_type(name), body })
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../assets/", $name)).as_slice())),*]
    };
}

const FILES: &[(&str, &[u8])] = files![
    "api-example.js",
    "api.html",
    "api.js",
    "auction.js",
    "battle.js",
    "clock.js",
    "countdown.js",
    "gift-choice.js",
    "http.js",
    "img/cake.svg",
    "img/heart.svg",
    "img/icons.svg",
    "img/logo.svg",
    "img/rocket.svg",
    "img/rose.svg",
    "index.html",
    "keeping-order.js",
    "lanes.js",
    "layout.js",
    "lottery-proof.js",
    "media/capture.js",
    "media/link.js",
    "media/media-clock.js",
    "media/patience.js",
    "media/resume.js",
    "media/stats.js",
    "media/whep.js",
    "media/whip.js",
    "own-orders.js",
    "products.js",
    "protocol/backoff.js",
    "protocol/envelope.js",
    "protocol/session.js",
    "quality.js",
    "questions.js",
    "quiz.js",
    "room-state.js",
    "rooms.js",
    "studio.html",
    "studio.js",
    "studio/auction-panel.js",
    "studio/coupon-panel.js",
    "studio/goods-panel.js",
    "studio/host-desk.js",
    "studio/luck-panel.js",
    "studio/own-feed.js",
    "studio/performers.js",
    "studio/pk-panel.js",
    "studio/quiz-panel.js",
    "studio/sale-panel.js",
    "studio/seats-panel.js",
    "studio/sold-sheet.js",
    "studio/inserts-panel.js",
    "studio/layout-panel.js",
    "studio/quality-panel.js",
    "studio/targets-panel.js",
    "studio/uplinks.js",
    "style/api.css",
    "style/base.css",
    "style/order.css",
    "style/rooms.css",
    "style/shop.css",
    "style/studio.css",
    "style/talk.css",
    "style/watch.css",
    "token.js",
    "ui/auction-view.js",
    "ui/battle-view.js",
    "ui/big-countdown.js",
    "ui/chat-view.js",
    "ui/coupon-chips.js",
    "ui/danmaku.js",
    "ui/dom.js",
    "ui/fields.js",
    "ui/gift-panel.js",
    "ui/gifts.js",
    "ui/goods-view.js",
    "ui/like-button.js",
    "ui/luck-view.js",
    "ui/order-panel.js",
    "ui/orders-view.js",
    "ui/own-seat.js",
    "ui/plates.js",
    "ui/quality-menu.js",
    "ui/questions-sheet.js",
    "ui/quiz-view.js",
    "ui/sale-view.js",
    "ui/sound.js",
    "ui/stats-panel.js",
    "ui/status.js",
    "ui/tabs.js",
    "ui/talk-panel.js",
    "ui/toast.js",
    "ui/user-sheet.js",
    "ui/words.js",
    "watch.html",
    "watch.js",
];

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
