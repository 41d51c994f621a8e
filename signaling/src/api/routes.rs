//! Every path of the API.

use super::commands;
use super::route::{Gives, Operation as Does, Route, Takes};
use super::twins::TWINS;
use super::{document, participants, tokens};
use crate::{
    dead_letters, gifts, giveaways, ice_servers, inserts, layout, media, orders, peers, quality,
    recordings, rooms, snapshot, srs, stats, targets, whep, whip,
};

/// How a list is asked for page by page.
const PAGE: &[(&str, &str)] = &[("limit", "integer"), ("cursor", "string")];

/// Returns every path of the API but `/v1/ws`.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = rooms_and_people();
    routes.extend(selling_and_giving());
    routes.extend(media_sessions());
    routes.extend(program());
    routes.extend(push_targets());
    routes.extend(recorded());
    routes.extend(srs_signalling());
    routes.extend(TWINS.iter().map(commands::route));
    routes.extend(letters());
    routes.extend(documents());
    merged(routes)
}

fn rooms_and_people() -> Vec<Route> {
    const ROOMS: &[(&str, &str)] = &[
        ("state", "string"),
        ("tag", "string"),
        ("sort", "string"),
        ("limit", "integer"),
        ("cursor", "string"),
    ];
    vec![
        Route::new("/v1/rooms")
            .get(
                rooms::list,
                Does::new("listRooms", "The rooms of this server; by name, `hot` or `new`")
                    .for_anyone()
                    .query(ROOMS)
                    .gives(200, Gives::Json("Rooms")),
            )
            .post(
                rooms::create,
                Does::new("createRoom", "Opens a room")
                    .takes(Takes::Json("CreateRoom"))
                    .gives(201, Gives::Json("RoomView"))
                    .gives(200, Gives::Json("RoomView")),
            ),
        Route::new("/v1/rooms/{room}")
            .get(
                rooms::describe,
                Does::new("describeRoom", "One room as everybody may see it")
                    .for_anyone()
                    .gives(200, Gives::Json("RoomView")),
            )
            .delete(rooms::end, Does::new("endRoom", "Ends the room").gives(204, Gives::Nothing)),
        Route::new("/v1/rooms/{room}/snapshot").get(
            rooms::snapshot,
            Does::new("snapshotRoom", "Everything that a member is told at joining")
                .gives(200, Gives::Json("Snapshot")),
        ),
        Route::new("/v1/rooms/{room}/tokens").post(
            tokens::mint,
            Does::new("mintToken", "Makes a token of the room, for an admin")
                .takes(Takes::Json("MintToken"))
                .gives(201, Gives::Json("Token")),
        ),
        Route::new("/v1/rooms/{room}/participants").get(
            participants::list,
            Does::new("listParticipants", "Who is in the room, by name")
                .query(PAGE)
                .gives(200, Gives::Json("Participants")),
        ),
        Route::new("/v1/rooms/{room}/stats").get(
            stats::show,
            Does::new("showStats", "The room's figures over time")
                .query(&[("format", "string"), ("limit", "integer"), ("cursor", "integer")])
                .gives(200, Gives::JsonOrCsv("Stats")),
        ),
        Route::new("/v1/rooms/{room}/commands").post(
            commands::any,
            Does::new("command", "Anything that a message asks of a room")
                .takes(Takes::AnyMessage)
                .gives(200, Gives::Json("Reply"))
                .idempotent_by_key(),
        ),
    ]
}

fn selling_and_giving() -> Vec<Route> {
    vec![
        Route::new("/v1/rooms/{room}/orders").post(
            orders::place,
            Does::new("placeOrder", "Orders from a flash sale")
                .takes(Takes::Message("order.place", &[]))
                .gives(200, Gives::Json("OrderResult"))
                .gives(202, Gives::Json("OrderQueued"))
                .idempotent_by_key(),
        ),
        Route::new("/v1/rooms/{room}/sales/{sale}/orders").get(
            orders::list,
            Does::new("listOrders", "What was ordered in a sale, by number")
                .query(PAGE)
                .gives(200, Gives::Json("SaleOrders")),
        ),
        Route::new("/v1/rooms/{room}/sales/{sale}/log").get(
            orders::sale_log,
            Does::new("showSaleLog", "What was decided in a sale, in the order of decision")
                .query(PAGE)
                .gives(200, Gives::Json("SaleLog")),
        ),
        Route::new("/v1/rooms/{room}/auctions/{auction}/log").get(
            orders::auction_log,
            Does::new("showAuctionLog", "What was bid in an auction, oldest first")
                .query(PAGE)
                .gives(200, Gives::Json("AuctionLog")),
        ),
        Route::new("/v1/gifts").get(
            gifts::catalog,
            Does::new("listGifts", "The gifts that can be given")
                .for_anyone()
                .gives(200, Gives::AnyJson),
        ),
        Route::new("/v1/rooms/{room}/leaderboard").get(
            gifts::leaderboard,
            Does::new("showLeaderboard", "Who gave most")
                .query(&[("limit", "integer")])
                .gives(200, Gives::AnyJson),
        ),
        Route::new("/v1/rooms/{room}/products").get(
            giveaways::products,
            Does::new("listProducts", "What the host sells, and when they spoke about it")
                .gives(200, Gives::Json("Products")),
        ),
        Route::new("/v1/rooms/{room}/coupons/{coupon}").get(
            giveaways::coupon,
            Does::new("showCoupon", "Who has a coupon, for those who sell")
                .query(&[("limit", "integer"), ("cursor", "string")])
                .gives(200, Gives::Json("CouponRecord")),
        ),
        Route::new("/v1/rooms/{room}/quizzes/{quiz}").get(
            giveaways::quiz,
            Does::new("showQuiz", "What was asked and answered, and who has won")
                .query(&[("limit", "integer"), ("cursor", "string")])
                .gives(200, Gives::Json("QuizRecord")),
        ),
        Route::new("/v1/rooms/{room}/packets/{packet}").get(
            giveaways::packet,
            Does::new("showPacket", "Who got what of a red packet").gives(200, Gives::AnyJson),
        ),
        Route::new("/v1/rooms/{room}/lotteries/{lottery}").get(
            giveaways::lottery,
            Does::new("showLottery", "All that is needed to do a draw again")
                .for_anyone()
                .gives(200, Gives::AnyJson),
        ),
    ]
}

fn media_sessions() -> Vec<Route> {
    let sdp = |id, summary| Does::new(id, summary).takes(Takes::Sdp).gives(201, Gives::Sdp);
    let look = |id| Does::new(id, "Says that the endpoint is here").for_anyone();
    vec![
        Route::new("/v1/rooms/{room}/whip")
            .get(whip::look, look("lookWhip").gives(204, Gives::Nothing))
            .post(whip::publish, sdp("publish", "Publishes (RFC 9725)")),
        session("/v1/rooms/{room}/whip/{id}", ["lookPublisher", "patchPublisher", "unpublish"]),
        Route::new("/v1/rooms/{room}/whep")
            .get(whep::look, look("lookWhep").gives(200, Gives::Nothing))
            .post(
                whep::play,
                sdp("play", "Plays the program or one feed (WHEP)").query(&[("feed", "string")]),
            ),
        session("/v1/rooms/{room}/whep/{id}", ["lookPlayer", "patchPlayer", "stopPlaying"]),
        Route::new("/v1/rooms/{room}/whep/{id}/layer").put(
            whep::pick_layer,
            Does::new("pickLayer", "Chooses the size of the picture")
                .takes(Takes::Json("PickLayer"))
                .gives(204, Gives::Nothing),
        ),
        Route::new("/v1/rooms/{room}/peers").get(
            peers::list,
            Does::new("listPeers", "Who is connected to the media")
                .gives(200, Gives::Json("Peers")),
        ),
        Route::new("/v1/rooms/{room}/peers/{id}/stats").get(
            peers::report,
            Does::new("showPeer", "How one of them is doing").gives(200, Gives::Json("PeerStats")),
        ),
        Route::new("/v1/rooms/{room}/ice-servers").get(
            ice_servers::list,
            Does::new("listIceServers", "STUN and TURN servers").gives(200, Gives::AnyJson),
        ),
    ]
}

fn program() -> Vec<Route> {
    vec![
        Route::new("/v1/rooms/{room}/layout")
            .get(
                layout::show,
                Does::new("showLayout", "How the program is laid out")
                    .gives(200, Gives::Json("Layout")),
            )
            .put(
                layout::set,
                Does::new("setLayout", "Lays the program out")
                    .takes(Takes::Json("LayoutChoice"))
                    .gives(200, Gives::Json("Layout")),
            ),
        Route::new("/v1/rooms/{room}/quality")
            .get(
                quality::show,
                Does::new("showQuality", "How much is made of the program's picture")
                    .gives(200, Gives::Json("Quality")),
            )
            .put(
                quality::set,
                Does::new("setQuality", "Chooses bit rate and smaller renditions")
                    .takes(Takes::Json("QualityChoice"))
                    .gives(200, Gives::Json("Quality")),
            ),
        Route::new("/v1/rooms/{room}/inserts")
            .get(
                inserts::list,
                Does::new("listInserts", "The films that play in the program")
                    .gives(200, Gives::Json("Inserts")),
            )
            .post(
                inserts::add,
                Does::new("addInsert", "Plays a film into the program")
                    .takes(Takes::Json("InsertOrder"))
                    .gives(201, Gives::Json("Insert")),
            ),
        Route::new("/v1/rooms/{room}/inserts/{id}").delete(
            inserts::remove,
            Does::new("removeInsert", "Stops a film").gives(204, Gives::Nothing),
        ),
        Route::new("/v1/rooms/{room}/warmup")
            .get(inserts::warmup, stand_in("showWarmup", "What is shown before the host comes"))
            .put(
                inserts::set_warmup,
                stand_in("setWarmup", "Chooses that").takes(Takes::Json("StandInOrder")),
            ),
        Route::new("/v1/rooms/{room}/slate")
            .get(inserts::slate, stand_in("showSlate", "What is shown while the host is away"))
            .put(
                inserts::set_slate,
                stand_in("setSlate", "Chooses that").takes(Takes::Json("StandInOrder")),
            ),
        Route::new("/v1/rooms/{room}/snapshot.jpg").get(
            snapshot::take,
            Does::new("takePicture", "The program's picture as it is now")
                .query(&[("width", "integer")])
                .gives(200, Gives::Jpeg),
        ),
    ]
}

fn push_targets() -> Vec<Route> {
    vec![
        Route::new("/v1/rooms/{room}/targets")
            .get(
                targets::list,
                Does::new("listTargets", "Where the program is pushed to")
                    .gives(200, Gives::Json("Targets")),
            )
            .post(
                targets::add,
                Does::new("addTarget", "Pushes the program to one more")
                    .takes(Takes::Json("AddTarget"))
                    .gives(201, Gives::Json("Target")),
            ),
        Route::new("/v1/rooms/{room}/targets/{id}").delete(
            targets::remove,
            Does::new("removeTarget", "Pushes there no more").gives(204, Gives::Nothing),
        ),
    ]
}

fn recorded() -> Vec<Route> {
    vec![
        Route::new("/v1/rooms/{room}/recordings")
            .get(
                recordings::list,
                Does::new("listRecordings", "The recordings of the program")
                    .gives(200, Gives::Json("Recordings")),
            )
            .post(
                recordings::start,
                Does::new("startRecording", "Records the program from now on")
                    .gives(201, Gives::Json("Recording")),
            ),
        Route::new("/v1/rooms/{room}/recordings/{id}").get(
            recordings::show,
            Does::new("showRecording", "One of them").gives(200, Gives::Json("Recording")),
        ),
        Route::new("/v1/rooms/{room}/recordings/{id}/stop").post(
            recordings::stop,
            Does::new("stopRecording", "Ends it; answers when it is whole")
                .gives(200, Gives::Json("Recording")),
        ),
    ]
}

fn letters() -> Vec<Route> {
    vec![
        Route::new("/v1/webhooks/dead").get(
            dead_letters::list,
            Does::new("listDeadLetters", "The webhooks that were given up, for an admin")
                .query(&[("limit", "integer"), ("cursor", "integer")])
                .gives(200, Gives::AnyJson),
        ),
        Route::new("/v1/webhooks/dead/{id}/replay").post(
            dead_letters::replay,
            Does::new("replayDeadLetter", "Delivers one of them again").gives(202, Gives::Nothing),
        ),
    ]
}

fn srs_signalling() -> Vec<Route> {
    let srs = |id, summary| {
        Does::new(id, summary).for_anyone().takes(Takes::Json("Srs")).gives(200, Gives::AnyJson)
    };
    vec![
        Route::new("/rtc/v1/publish/").post(srs::publish, srs("srsPublish", "SRS: publishes")),
        Route::new("/rtc/v1/publish").post(srs::publish, srs("srsPublishToo", "SRS: publishes")),
        Route::new("/rtc/v1/play/").post(srs::play, srs("srsPlay", "SRS: plays")),
        Route::new("/rtc/v1/play").post(srs::play, srs("srsPlayToo", "SRS: plays")),
    ]
}

fn stand_in(id: &'static str, summary: &'static str) -> Does {
    Does::new(id, summary).gives(200, Gives::Json("StandIn"))
}

fn session(path: &'static str, ids: [&'static str; 3]) -> Route {
    let [look, patch, close] = ids;
    Route::new(path)
        .get(media::look, Does::new(look, "Says whether it is there").gives(204, Gives::Nothing))
        .patch(
            media::patch,
            Does::new(patch, "Brings candidates or restarts ICE")
                .takes(Takes::SdpFragment)
                .gives(204, Gives::Nothing)
                .gives(200, Gives::SdpFragment),
        )
        .delete(media::close, Does::new(close, "Ends it").gives(200, Gives::Nothing))
}

fn documents() -> Vec<Route> {
    vec![
        Route::new("/v1/openapi.json").get(
            document::openapi,
            Does::new("openapi", "This document").for_anyone().gives(200, Gives::AnyJson),
        ),
        Route::new("/v1/schema.json").get(
            document::schema,
            Does::new("schema", "JSON Schema of every message")
                .for_anyone()
                .gives(200, Gives::AnyJson),
        ),
    ]
}

/// One route a path, because that is what a router takes.
fn merged(routes: Vec<Route>) -> Vec<Route> {
    let mut merged: Vec<Route> = Vec::new();
    for route in routes {
        match merged.iter().position(|other| other.path == route.path) {
            Some(at) => {
                let methods = std::mem::take(&mut merged[at].methods);
                merged[at].methods = methods.merge(route.methods);
                merged[at].operations.extend(route.operations);
            }
            None => merged.push(route),
        }
    }
    merged
}
