//! Answers of a kubelet and records of evidence that were changed on the way.

use std::path::Path;

use kubectl_checkpoint::cluster::explain::{Context, Route, explain};
use kubectl_checkpoint::cluster::record;
use serde_json::{Map, Value};

/// A small generator of numbers (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % end.max(1) as u64).unwrap()
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(5) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match self.below(5) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = [0, 0x1b, 0x9b, 0xff, b'"', b'\\', b'{', b'['][self.below(8)],
                2 => drop(bytes.splice(at..at, *b"\x1b]0;title\x07\xe2\x80\xae")),
                3 => {
                    let end = (at + self.below(40)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    bytes.extend(piece);
                }
                _ => bytes.truncate(at),
            }
        }
    }
}

fn answers() -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kubelet-http");
    let mut found: Vec<_> = std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().path()).collect();
    found.sort();
    let body = |path: &Path| {
        let text = std::fs::read_to_string(path).ok()?;
        let body = text.split_once("\n\n")?.1.rsplit_once("# curl rc=")?.0;
        Some(body.as_bytes().to_vec())
    };
    found.iter().filter_map(|path| body(path)).collect()
}

#[test]
fn changed_answers_are_explained_and_show_nothing_live() {
    let answers = answers();
    assert!(answers.len() > 50, "{}", answers.len());
    let mut dice = Dice(7);
    for turn in 0..4000 {
        let mut body = answers[turn % answers.len()].clone();
        dice.change(&mut body);
        let context = Context {
            route: [Route::ApiServer, Route::Kubelet][dice.below(2)],
            node: "node",
            namespace: "shop",
            pod: "web",
            container: "app",
            runtime: Some("containerd://2.1.9"),
            timeout: Some(60),
        };
        let status = [200, 401, 403, 404, 405, 429, 500, 502, 503, 504, 0, 999][dice.below(12)];
        let content = [None, Some("application/json"), Some("text/plain"), Some("")][dice.below(4)];
        let shown = explain(status, content, &body, &context).to_string();
        let live =
            shown.chars().find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c));
        assert!(live.is_none(), "turn {turn}: {live:?} in {shown:?}");
    }
}

#[test]
fn a_changed_record_is_continued_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("web.tar.evidence.json");
    let fields = || Map::from_iter([("step".to_owned(), Value::from("download"))]);
    for _ in 0..3 {
        record::append(&path, fields()).unwrap();
    }
    let whole = std::fs::read(&path).unwrap();
    let mut dice = Dice(11);
    for _ in 0..150 {
        let mut changed = whole.clone();
        dice.change(&mut changed);
        std::fs::write(&path, &changed).unwrap();
        let result = record::append(&path, fields());
        let now = std::fs::read(&path).unwrap();
        // What was there stays, whatever it was.
        assert!(now.starts_with(&changed));
        assert!(result.is_ok() || now == changed);
    }
}
