//! One player's connection to the pull server, from handshake to the last byte.
//!
//! A player gets the newest group of pictures at once and then the live program. One that cannot
//! keep up is cut rather than fed with holes: it comes back by itself, at the newest keyframe.

use std::sync::Arc;

use rml_rtmp::messages::{RtmpMessage, UserControlEventType};
use rml_rtmp::rml_amf0::Amf0Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::dialogue::{Dialogue, Refusal, Step, on_status};
use crate::muxer::Muxer;
use crate::pull::{Catalog, PullLimits};
use crate::rtmp::{Connection, ConnectionError, Limits, Role, STREAM_ID};
use crate::subscription::Subscription;

/// Commands that a player may send while it plays (pause, buffer length and so on).
const MAX_COMMANDS_PLAYING: u32 = 1_000;

/// Serves one player and returns why it ended, as a metric's label.
pub(crate) async fn serve(
    stream: TcpStream,
    catalog: Arc<dyn Catalog>,
    limits: PullLimits,
    stop: CancellationToken,
) -> &'static str {
    let wire_limits = Limits { handshake: limits.handshake, write: limits.write };
    let establish = Connection::establish(stream, Role::Server, wire_limits);
    let mut connection = tokio::select! {
        () = stop.cancelled() => return "shutdown",
        connection = establish => match connection {
            Ok(connection) => connection,
            Err(error) => return label(&error),
        },
    };

    let request = timeout(limits.request, until_play(&mut connection));
    let request = tokio::select! {
        () = stop.cancelled() => return "shutdown",
        request = request => request,
    };
    let outcome = match request {
        Err(_) => return "request_timeout",
        Ok(Err(error)) => Err(error),
        Ok(Ok(Request::TurnedAway(reason))) => Ok(reason),
        // Opening may start the program, which the server does in bounded time or not at all.
        Ok(Ok(Request::Play(name))) => match timeout(limits.request, catalog.open(&name)).await {
            Ok(Some(subscription)) => play(&mut connection, subscription, &stop).await,
            Ok(None) | Err(_) => refuse(&mut connection),
        },
    };
    match outcome {
        Ok(reason) => {
            connection.finish().await;
            reason
        }
        Err(error) => label(&error),
    }
}

enum Request {
    Play(String),
    TurnedAway(&'static str),
}

async fn until_play(connection: &mut Connection) -> Result<Request, ConnectionError> {
    let mut dialogue = Dialogue::default();
    connection.send_server_greeting()?;
    loop {
        let command = connection.next_command().await?;
        match dialogue.handle_command(&command) {
            Step::Answer(answers) => {
                for (answer, stream_id) in answers {
                    connection.send_command(answer, stream_id)?;
                }
            }
            Step::Play(name) => return Ok(Request::Play(name)),
            Step::Close(last_words, refusal) => {
                if let Some((command, stream_id)) = last_words {
                    connection.send_command(command, stream_id)?;
                }
                return Ok(Request::TurnedAway(match refusal {
                    Refusal::Left => "left",
                    Refusal::UnknownApp => "unknown_app",
                    Refusal::Publishing => "publish_refused",
                    Refusal::BadDialogue => "malformed",
                }));
            }
        }
    }
}

fn refuse(connection: &mut Connection) -> Result<&'static str, ConnectionError> {
    let missing = on_status("error", "NetStream.Play.StreamNotFound", "No such stream.");
    connection.send_command(missing, STREAM_ID)?;
    Ok("not_found")
}

async fn play(
    connection: &mut Connection,
    mut subscription: Subscription,
    stop: &CancellationToken,
) -> Result<&'static str, ConnectionError> {
    connection.send_stream_event(UserControlEventType::StreamBegin, STREAM_ID)?;
    for (code, description) in
        [("NetStream.Play.Reset", "Starting over."), ("NetStream.Play.Start", "Playing.")]
    {
        connection.send_command(on_status("status", code, description), STREAM_ID)?;
    }
    let access = Amf0Value::Utf8String("|RtmpSampleAccess".to_owned());
    let values = vec![access, Amf0Value::Boolean(true), Amf0Value::Boolean(true)];
    connection.send(RtmpMessage::Amf0Data { values }, STREAM_ID)?;

    let mut muxer = Muxer::default();
    let mut commands = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return say_goodbye(connection, "shutdown"),
            command = connection.next_command() => {
                commands += 1;
                if commands > MAX_COMMANDS_PLAYING {
                    return Ok("malformed");
                }
                if matches!(command?.name.as_str(), "deleteStream" | "closeStream") {
                    return Ok("left");
                }
            }
            frames = subscription.next_few() => {
                let Some(frames) = frames else {
                    return say_goodbye(connection, "program_over");
                };
                for frame in frames {
                    muxer.handle_frame(frame);
                    while let Some(message) = muxer.poll_message() {
                        connection.send_media(message)?;
                    }
                }
                connection.flush().await?;
                if subscription.dropped() > 0 {
                    return Ok("slow");
                }
            }
        }
    }
}

fn say_goodbye(
    connection: &mut Connection,
    reason: &'static str,
) -> Result<&'static str, ConnectionError> {
    connection.send_stream_event(UserControlEventType::StreamEof, STREAM_ID)?;
    let over = on_status("status", "NetStream.Play.UnpublishNotify", "The program is over.");
    connection.send_command(over, STREAM_ID)?;
    Ok(reason)
}

fn label(error: &ConnectionError) -> &'static str {
    match error {
        ConnectionError::HandshakeTimeout => "handshake_timeout",
        ConnectionError::NotRtmp => "not_rtmp",
        ConnectionError::Closed => "left",
        ConnectionError::WriteTimeout => "slow",
        ConnectionError::Chunk(_) | ConnectionError::Amf(_) => "malformed",
        ConnectionError::Unwritable => "unwritable",
        ConnectionError::Io(_) => "lost",
    }
}
