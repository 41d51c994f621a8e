//! Layouts are read as they are meant, written as they were read, and refused with a reason when they
//! cannot be meant. The golden fixture's `layout` is also a body; then one wrong value at a time.

use std::time::Duration;

use media_rules::layout::{Arrangement, Choice, Figures, Motif, Performer, Preset};
use media_rules::{Align, Border, Colour, FeedId, Fill, Fit, Rect, Transition};
use serde_json::{Value, json};
use wire_format::{Code, LayoutApplied, LayoutView, decode_layout};

fn fixture() -> Value {
    let fixtures: Vec<Value> =
        serde_json::from_str(include_str!("../../fixtures/down.json")).unwrap();
    let layout = fixtures.into_iter().find(|fixture| fixture["name"] == "Layout").unwrap();
    layout["message"].clone()
}

fn read(body: &Value) -> Choice {
    decode_layout(body.to_string().as_bytes()).unwrap()
}

#[test]
fn everything_that_can_be_chosen_is_read_as_it_is_meant() {
    let choice = read(&fixture()["layout"]);

    let Arrangement::Custom(spots) = &choice.arrangement else { panic!("custom rectangles") };
    assert_eq!((spots[1].fit, spots[1].who.as_deref()), (Some(Fit::Contain), Some("bob")));
    assert_eq!(spots[1].rect, Rect { x: 500, y: 60, width: 200, height: 356 });
    assert_eq!((choice.main.as_deref(), choice.fit), (Some("alice"), Some(Fit::Fill)));
    assert!(choice.has_labels && choice.has_mute_marks);
    assert_eq!(choice.border, Some(Border { width: 4, colour: Colour::WHITE }));
    assert!(matches!(&choice.placeholder, Fill::Image(name) if name.as_str() == "off.png"));
    assert_eq!(choice.background, Fill::Colour(Colour::SLATE));
    assert_eq!(choice.transition, Transition::Slide(Duration::from_millis(300)));
    assert_eq!(choice.ornaments.len(), 5);
    assert_eq!((choice.ornaments[0].opacity_percent, choice.ornaments[2].z), (80, 101));
    let Motif::Text { text, style } = &choice.ornaments[1].motif else { panic!("a text") };
    assert_eq!((text.as_str(), style.size, style.align), ("今晚八折", 40, Align::Left));
    assert_eq!(style.backing, Some(Colour::new(0, 0, 0)));
    assert!(matches!(choice.ornaments[2].motif, Motif::Clock { utc_offset_minutes: 480, .. }));
    assert_eq!(choice.check((720, 1280)), Ok(()));
}

/// What the fixture stands for.
pub(super) fn view() -> LayoutView {
    let choice = read(&fixture()["layout"]);
    let performer = |name: &str| Performer {
        feed: FeedId::new("a", name),
        name: name.to_owned(),
        is_muted: false,
    };
    let performers = ["alice", "bob", "carol"].map(performer);
    let canvas = (720, 1280);
    let scene = choice.scene(7, &performers, false, canvas, Figures::default());
    let preset = choice.preset(3, false);
    LayoutView { choice, scene, preset, canvas }
}

/// A layout that viewers see 33 ms from now.
pub(super) fn applied() -> LayoutApplied {
    let preset = Some(Preset::PkLeftRight);
    LayoutApplied { revision: 7, at: super::at(33), preset, has_labels: false }
}

#[test]
fn an_empty_body_is_what_a_room_begins_with() {
    assert_eq!(read(&json!({})), Choice::default());
    for preset in Preset::ALL {
        let choice = read(&json!({"preset": preset.name()}));
        assert_eq!(choice.arrangement, Arrangement::Preset(preset));
    }
}

#[test]
fn what_is_out_of_its_limits_is_refused() {
    let overlay = |with: Value| {
        let mut overlay = json!({"x": 0, "y": 0, "width": 100, "height": 40});
        overlay.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        json!({ "overlays": [overlay] })
    };
    let text = |with: Value| {
        let mut text = json!({"kind": "text", "text": "x"});
        text.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        overlay(text)
    };
    assert_eq!(read(&text(json!({}))).ornaments.len(), 1, "the good case of what follows");
    for wrong in [
        json!({"preset": "mosaic"}),
        json!({"unknown": 1}),
        json!({"radius": 641}),
        json!({"border": {"width": 3, "colour": "#ffffff"}}),
        json!({"border": {"width": 66, "colour": "#ffffff"}}),
        json!({"background": {"colour": "red"}}),
        json!({"background": {"image": "../secret.png"}}),
        json!({"placeholder": {"image": "a.svg"}}),
        json!({"main": "a b"}),
        json!({"transition": {"kind": "fade", "ms": 1001}}),
        json!({"transition": {"kind": "spin"}}),
        json!({"fit": "stretch"}),
        json!({"tiles": vec![json!({"x": 0, "y": 0, "width": 16, "height": 16, "z": 0}); 17]}),
        json!({"preset": "custom", "tiles": [{"x": -2, "y": 0, "width": 16, "height": 16, "z": 0}]}),
        overlay(json!({"kind": "video"})),
        overlay(json!({"kind": "image", "image": "http://x/y.png"})),
        overlay(json!({"kind": "clock", "utc_offset_minutes": 900})),
        overlay(json!({"kind": "score", "colours": ["#000000"]})),
        text(json!({"text": "x".repeat(201)})),
        text(json!({"size": 7})),
        text(json!({"size": 201})),
        text(json!({"opacity": 101})),
        text(json!({"colour": "#12"})),
    ] {
        let error = decode_layout(wrong.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.code, Code::BadRequest, "{wrong}");
        assert!(!error.message.is_empty(), "{wrong}");
    }
}
