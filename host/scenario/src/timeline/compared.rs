//! A playback as people read it: the timeline of a run, and beside it what a policy asked this
//! time.

use std::time::Duration;

use suture_core::{Effect, Ending, Timestamp, display};
use suture_journal::playback::{Call, Line as Compared, Played, Verdict};
use suture_journal::wording::{Tone, Words, of_level};
use suture_journal::{Answer, Body, Entry, Playback};

use super::layout::{Line, Look, paint};
use super::{Timeline, elapsed};

/// Columns of the mark before each line.
const MARK: usize = 2;

/// A playback as text, with a conclusion as its last line. A line begins with `=` where the
/// policy asked what is on record; `≠` where it did not, the recorded call above the new one;
/// `+` where it asked for more, `-` where it left something out.
pub fn compared(playback: &Playback, started: Timestamp, look: Look) -> String {
    let inner = Look { width: look.width.map(|width| width.saturating_sub(MARK)), ..look };
    let writer = Writer { started, look: inner };
    let mut text = String::new();
    for line in &playback.lines {
        for (mark, tone, words) in writer.lines(line) {
            push(&mut text, mark, tone, &words, &look);
        }
    }
    for (mark, tone, words) in writer.endings(playback) {
        push(&mut text, mark, tone, &words, &look);
    }
    for line in writer.undos(playback) {
        push(&mut text, " ", Tone::Plain, &line, &look);
    }
    text.push('\n');
    text.push_str(&conclusion(playback, &look));
    text.push('\n');
    text
}

/// Put a mark before a line; what it wraps to stands under it.
fn push(text: &mut String, mark: &str, tone: Tone, words: &str, look: &Look) {
    for (index, line) in words.lines().enumerate() {
        let shown = if index == 0 { paint(tone, mark, look) } else { " ".to_owned() };
        text.push_str(format!("{shown} {line}").trim_end());
        text.push('\n');
    }
}

type Marked = (&'static str, Tone, String);

struct Writer {
    started: Timestamp,
    look: Look,
}

impl Writer {
    fn lines(&self, line: &Compared) -> Vec<Marked> {
        let answer = line.answer.as_ref();
        let call = |call: &Option<Call>, answer, note| {
            call.as_ref().and_then(|call| self.call(line, call, answer, note))
        };
        let marked = |mark, tone, words: Option<String>| words.map(|words| (mark, tone, words));
        let lines = match line.verdict {
            Verdict::Same => [marked("=", Tone::Dim, call(&line.asked, answer, None)), None],
            Verdict::Later => {
                let step = line.recorded.as_ref().map_or(0, |recorded| recorded.step);
                let note = Some(format!("(earlier on record: step {step})"));
                [marked("≠", Tone::Bad, call(&line.asked, answer, note)), None]
            }
            Verdict::Different => {
                let effects = line.asked.as_ref().zip(line.recorded.as_ref());
                let how = effects.and_then(|(asked, recorded)| asked.effect.differs_from(&recorded.effect));
                let new = how.map_or_else(|| "(new)".to_owned(), |how| format!("(new: {how})"));
                [
                    marked("≠", Tone::Bad, call(&line.recorded, None, Some("(recorded)".to_owned()))),
                    marked("≠", Tone::Bad, call(&line.asked, answer, Some(new))),
                ]
            }
            Verdict::More => {
                let note = line.matters().then(|| "(new: not on record)".to_owned());
                let mark = if line.matters() { ("+", Tone::Bad) } else { ("=", Tone::Dim) };
                [marked(mark.0, mark.1, call(&line.asked, answer, note)), None]
            }
            Verdict::Less if line.matters() => {
                let note = Some("(recorded: not asked any more)".to_owned());
                [marked("-", Tone::Bad, call(&line.recorded, answer, note)), None]
            }
            Verdict::Less => [None, None],
        };
        lines.into_iter().flatten().collect()
    }

    /// One call. The time of day is no event.
    fn call(
        &self,
        compared: &Compared,
        call: &Call,
        answer: Option<&Answer>,
        note: Option<String>,
    ) -> Option<String> {
        let time = elapsed(self.started, compared.at);
        let mut line = match &call.effect {
            Effect::Now => return None,
            Effect::Step { title } => {
                let mut line = Line::heading(time);
                line.push(Tone::Heading, title.clone());
                return Some(line.render(&self.look));
            }
            Effect::Log { level, message } => {
                let (verb, _) = of_level(*level);
                let mut line = Line::effect(time, None, verb);
                line.push(Tone::Plain, message.clone());
                return Some(line.render(&self.look));
            }
            effect => Line::effect(time, Some(call.step), effect.verb()),
        };
        match answer {
            Some(answer) => {
                let took = elapsed(compared.at, compared.answered_at);
                line.say(Words::answered(&call.effect, answer, took));
            }
            None => line.say(Words::subject(&call.effect)),
        }
        if let Some(note) = note {
            line.push(Tone::Dim, note);
        }
        Some(line.render(&self.look))
    }

    fn endings(&self, playback: &Playback) -> Vec<Marked> {
        let end =
            playback.lines.last().map_or(Duration::ZERO, |line| elapsed(self.started, line.answered_at));
        let line = |words: String, note: Option<&str>| {
            let mut line = Line::heading(end);
            line.push(Tone::Plain, words);
            if let Some(note) = note {
                line.push(Tone::Dim, note.to_owned());
            }
            line.render(&self.look)
        };
        let recorded = playback.recorded.as_ref().map_or("the record ends here".to_owned(), ending);
        match &playback.played {
            Played::Ended(played) if playback.ends_with_the_same_words() => {
                vec![("=", Tone::Dim, line(ending(played), None))]
            }
            Played::Ended(played) => {
                let (mark, tone) = if playback.ends_alike() { ("~", Tone::Warn) } else { ("≠", Tone::Bad) };
                vec![
                    (mark, tone, line(recorded, Some("(recorded)"))),
                    (mark, tone, line(ending(played), Some("(new)"))),
                ]
            }
            Played::RecordEnds => {
                vec![("=", Tone::Dim, line("the record ends here: the run had not ended".to_owned(), None))]
            }
            Played::CantTell => vec![(
                "?",
                Tone::Warn,
                line("from here the record can't tell: it has no answer to the last call".to_owned(), None),
            )],
        }
    }

    /// What the host took back at the end of the recorded run.
    fn undos(&self, playback: &Playback) -> Vec<String> {
        let mut timeline = Timeline::starting_at(self.started, self.look);
        let Some((ending, first)) = playback.recorded.as_ref().zip(playback.undos.first()) else {
            return Vec::new();
        };
        let ended = Entry { step: first.step, at: first.at, body: Body::Ended { ending: ending.clone() } };
        timeline.entry(&ended);
        playback.undos.iter().filter_map(|entry| timeline.entry(entry)).collect()
    }
}

fn ending(ending: &Ending) -> String {
    let (name, summary) = (ending.name(), ending.summary());
    let prefix = format!("{name}: ");
    format!("{name}: {}", display::lines(summary.strip_prefix(&prefix).unwrap_or(&summary)))
}

/// What it comes to, in a line.
fn conclusion(playback: &Playback, look: &Look) -> String {
    let same = playback.same();
    let effects = if same == 1 { "effect" } else { "effects" };
    match playback.first_difference() {
        None if playback.ends_alike() => {
            let rest = if playback.played == Played::RecordEnds {
                " on record"
            } else if playback.ends_with_the_same_words() {
                ""
            } else {
                " (it concludes the same in other words)"
            };
            format!("{}{rest}", paint(Tone::Good, &format!("same in all {same} {effects}"), look))
        }
        None => paint(Tone::Bad, &format!("differs at the end, after {same} same {effects}"), look),
        Some(first) => {
            let step = first.recorded.as_ref().or(first.asked.as_ref()).map_or(0, |call| call.step);
            paint(Tone::Bad, &format!("differs from step {step}"), look)
        }
    }
}

#[cfg(test)]
mod tests {
    use suture_core::effect::{Level, Target};
    use suture_core::object::Kind;
    use suture_core::{Error, Outcome, Reason};

    use super::*;

    fn get(step: u32, name: &str) -> Option<Call> {
        let kind = Kind::new("v1", "Pod");
        let namespace = Some("media".to_owned());
        let target = Target { kind, namespace, name: name.into(), uid: None, subresource: None };
        Some(Call { step, effect: Effect::Get { target } })
    }

    fn line(verdict: Verdict, recorded: Option<Call>, asked: Option<Call>) -> Compared {
        let at = Timestamp::UNIX_EPOCH;
        let answer = Some(Answer::Error(Error::new(Reason::NOT_FOUND, "gone")));
        Compared { verdict, at, answered_at: at, recorded, asked, answer }
    }

    fn remediated(summary: &str) -> Ending {
        Ending::Concluded(Outcome::Remediated { summary: summary.into() })
    }

    fn shown(lines: Vec<Compared>, recorded: Option<Ending>, played: Played) -> String {
        let playback = Playback { same_module: false, lines, recorded, played, undos: Vec::new() };
        compared(&playback, Timestamp::UNIX_EPOCH, Look::default())
    }

    #[test]
    fn each_line_says_by_its_mark_how_it_compares() {
        let log = Effect::Log { level: Level::Info, message: "hm".into() };
        let text = shown(
            vec![
                line(Verdict::Same, get(1, "a"), get(1, "a")),
                line(Verdict::More, None, Some(Call { step: 2, effect: log })),
                line(Verdict::More, None, get(3, "b")),
                line(Verdict::Less, get(2, "c"), None),
                line(Verdict::Later, get(3, "d"), get(4, "d")),
                line(Verdict::Different, get(4, "e"), get(5, "f")),
            ],
            Some(remediated("done")),
            Played::CantTell,
        );
        assert_eq!(
            text,
            "=   +00:00     1  get        Pod media/a: does not exist\n\
             =   +00:00        info       hm\n\
             +   +00:00     3  get        Pod media/b: does not exist (new: not on record)\n\
             -   +00:00     2  get        Pod media/c: does not exist (recorded: not asked any more)\n\
             ≠   +00:00     4  get        Pod media/d: does not exist (earlier on record: step 3)\n\
             ≠   +00:00     4  get        Pod media/e (recorded)\n\
             ≠   +00:00     5  get        Pod media/f: does not exist (new)\n\
             ?   +00:00  from here the record can't tell: it has no answer to the last call\n\
             \n\
             differs from step 3\n"
        );
    }

    #[test]
    fn the_last_line_says_what_it_comes_to() {
        let same = || vec![line(Verdict::Same, get(1, "a"), get(1, "a"))];
        let last =
            |recorded, played| shown(same(), recorded, played).lines().last().unwrap_or_default().to_owned();
        let done = || Some(remediated("done"));
        assert_eq!(last(done(), Played::Ended(remediated("done"))), "same in all 1 effect");
        assert_eq!(
            last(done(), Played::Ended(remediated("finished"))),
            "same in all 1 effect (it concludes the same in other words)"
        );
        assert_eq!(last(None, Played::RecordEnds), "same in all 1 effect on record");
        let failed = Ending::Failed("no".into());
        assert_eq!(last(done(), Played::Ended(failed)), "differs at the end, after 1 same effect");
    }
}
