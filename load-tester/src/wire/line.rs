//! The lines that change the wire while it runs:
//!
//! ```text
//! up|down|both loss CLASS[,CLASS..] SHARE [burst MEAN_PACKETS]
//! up|down|both delay MS [jitter MS]
//! up|down|both rate KBPS [queue MS]
//! audio PAYLOAD_TYPE[,PAYLOAD_TYPE..]
//! stats
//! ```
//!
//! `up` is from the side that sends to the wire first. A class is `video`, `audio`, `rtcp`, `stun`,
//! `dtls` or `all`.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::class::Class;
use super::impair::Change;

/// One parsed line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    Change { way: Way, change: Change },
    Audio(Vec<u8>),
    Stats,
}

/// Which directions a change is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    Up,
    Down,
    Both,
}

impl FromStr for Line {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let way = match words.first() {
            Some(&"stats") => return Ok(Self::Stats),
            Some(&"audio") => {
                let types = words.get(1).context("no payload types")?.split(',');
                let types = types.map(|word| word.parse().context("no payload type"));
                return Ok(Self::Audio(types.collect::<Result<_>>()?));
            }
            Some(&"up") => Way::Up,
            Some(&"down") => Way::Down,
            Some(&"both") => Way::Both,
            _ => bail!("not a line of the wire: {line}"),
        };
        let change = match words[1..] {
            ["loss", classes, share] => loss(classes, share, None)?,
            ["loss", classes, share, "burst", mean] => loss(classes, share, Some(mean))?,
            ["delay", ms] => Change::Delay { delay: millis(ms)?, jitter: Duration::ZERO },
            ["delay", ms, "jitter", jitter] => {
                Change::Delay { delay: millis(ms)?, jitter: millis(jitter)? }
            }
            ["rate", kbps] => rate(kbps, "200")?,
            ["rate", kbps, "queue", ms] => rate(kbps, ms)?,
            _ => bail!("not a line of the wire: {line}"),
        };
        Ok(Self::Change { way, change })
    }
}

fn loss(classes: &str, share: &str, burst: Option<&str>) -> Result<Change> {
    let share: f64 = share.parse().context("no share")?;
    ensure!((0.0..=1.0).contains(&share), "a share is from 0 to 1, not {share}");
    let burst = burst.map(str::parse).transpose().context("no burst length")?;
    let named = |name: &str| {
        let found: Vec<Class> =
            Class::ALL.into_iter().filter(|class| name == "all" || class.name() == name).collect();
        ensure!(!found.is_empty(), "no class {name}");
        Ok(found)
    };
    let classes: Vec<Vec<Class>> = classes.split(',').map(named).collect::<Result<_>>()?;
    Ok(Change::Loss { classes: classes.concat(), share, burst })
}

fn millis(word: &str) -> Result<Duration> {
    Ok(Duration::from_secs_f64(word.parse::<f64>().context("no milliseconds")?.max(0.0) / 1_000.0))
}

fn rate(kbps: &str, queue: &str) -> Result<Change> {
    let kbps: u64 = kbps.parse().context("no kbit/s")?;
    Ok(Change::Rate { bits_per_second: kbps * 1_000, queue: millis(queue)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_is_understood() {
        let ms = Duration::from_millis;
        for (line, expected) in [
            (
                "down loss video,rtcp 0.4",
                Line::Change {
                    way: Way::Down,
                    change: Change::Loss {
                        classes: vec![Class::Video, Class::Rtcp],
                        share: 0.4,
                        burst: None,
                    },
                },
            ),
            (
                "both delay 20 jitter 2.5",
                Line::Change {
                    way: Way::Both,
                    change: Change::Delay { delay: ms(20), jitter: Duration::from_micros(2_500) },
                },
            ),
            (
                "up rate 500",
                Line::Change {
                    way: Way::Up,
                    change: Change::Rate { bits_per_second: 500_000, queue: ms(200) },
                },
            ),
            ("audio 111,63", Line::Audio(vec![111, 63])),
            ("stats", Line::Stats),
        ] {
            assert_eq!(line.parse::<Line>().expect(line), expected);
        }
        let all = "both loss all 0.1 burst 5".parse::<Line>().expect("all");
        let Line::Change { change: Change::Loss { classes, burst, .. }, .. } = all else {
            panic!("{all:?}");
        };
        assert_eq!((classes.len(), burst), (5, Some(5.0)));
    }

    #[test]
    fn nonsense_is_refused() {
        for line in ["", "sideways delay 1", "up loss video 1.5", "up loss tv 0.1", "up delay"] {
            assert!(line.parse::<Line>().is_err(), "{line}");
        }
    }
}
