//! The line in which one types.

/// What is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Command,
    Find,
    Filter,
    Goto,
    Search,
    Note,
    Export,
    /// Where the archive of a capture goes to.
    Capture,
    /// Yes or no: quit although bookmarks are not saved.
    Leave,
    /// Yes or no: quit although a capture is under way.
    Abandon,
}

impl Purpose {
    /// What stands before the text.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Command => ":",
            Self::Find => "/",
            Self::Filter => "filter: ",
            Self::Goto => "go to address: ",
            Self::Search => "search all memory: ",
            Self::Note => "note: ",
            Self::Export => "write to: ",
            Self::Capture => "freeze it, and write the archive to: ",
            Self::Abandon => "a capture is under way; cancel it and quit? (y/n) ",
            Self::Leave => "bookmarks are not saved; quit all the same? (y/n) ",
        }
    }

    /// Whether one key answers it.
    pub(crate) fn is_question(self) -> bool {
        matches!(self, Self::Leave | Self::Abandon)
    }

    /// What stands in its place while nothing is typed.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Command => "a view or a command; Tab completes",
            Self::Goto => "7f00…, +100, -20 (hexadecimal), rip, heap, libc; Tab completes",
            Self::Search => "TEXT  (-e regex, -x hex, -i any case, -u UTF-16 too, -p PID)",
            Self::Note => "why this place matters (may stay empty)",
            Self::Capture => "Enter: here, by its own name; else FILE or DIRECTORY",
            Self::Export => "FILE.csv, FILE.json, FILE.txt",
            _ => "",
        }
    }
}

/// A line being typed.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    pub purpose: Purpose,
    pub text: String,
    /// Where the cursor is, in characters.
    pub at: usize,
    /// Which line of the history is shown.
    pub line: Option<usize>,
    /// What Tab offers.
    pub offers: Vec<String>,
    /// What was there before, for Esc.
    pub before: String,
}

impl Prompt {
    pub(crate) fn new(purpose: Purpose, text: impl Into<String>) -> Self {
        let text = text.into();
        let at = text.chars().count();
        Self { purpose, before: text.clone(), text, at, line: None, offers: Vec::new() }
    }

    fn byte(&self, at: usize) -> usize {
        self.text.char_indices().nth(at).map_or(self.text.len(), |(i, _)| i)
    }

    pub(crate) fn insert(&mut self, c: char) {
        if c.is_control() {
            return;
        }
        let at = self.byte(self.at);
        self.text.insert(at, c);
        self.at += 1;
    }

    pub(crate) fn backspace(&mut self) {
        if self.at > 0 {
            self.at -= 1;
            let at = self.byte(self.at);
            self.text.remove(at);
        }
    }

    pub(crate) fn delete(&mut self) {
        let at = self.byte(self.at);
        if at < self.text.len() {
            self.text.remove(at);
        }
    }

    pub(crate) fn go(&mut self, at: usize) {
        self.at = at.min(self.text.chars().count());
    }

    /// Deletes back to the start of a word, as shells do.
    pub(crate) fn delete_word(&mut self) {
        let at = self.byte(self.at);
        let head = self.text[..at].trim_end();
        let start = head.rfind(char::is_whitespace).map_or(0, |i| i + 1);
        self.at = self.text[..start].chars().count();
        self.text.replace_range(start..at, "");
    }

    pub(crate) fn delete_line(&mut self) {
        let at = self.byte(self.at);
        self.text.replace_range(..at, "");
        self.at = 0;
    }

    pub(crate) fn set(&mut self, text: impl Into<String>) {
        self.text = text.into();
        self.at = self.text.chars().count();
    }

    /// Shows a line of the history, the newest first.
    pub(crate) fn recall(&mut self, history: &[String], older: bool) {
        let newest = history.len().checked_sub(1);
        let line = match (self.line, older) {
            (None, true) => newest,
            (Some(at), true) => Some(at.saturating_sub(1)),
            (Some(at), false) if at + 1 < history.len() => Some(at + 1),
            (_, false) => None,
        };
        if line.is_none() && self.line.is_none() {
            return;
        }
        self.line = line;
        let text = line.and_then(|at| history.get(at)).cloned().unwrap_or_default();
        self.set(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_edited_by_character() {
        let mut prompt = Prompt::new(Purpose::Find, "größe");
        prompt.backspace();
        prompt.go(3);
        prompt.insert('ö');
        prompt.insert('\x1b');
        assert_eq!((prompt.text.as_str(), prompt.at), ("gröö\u{df}", 4));
        prompt.delete();
        assert_eq!(prompt.text, "gröö");
        prompt.set("open a file");
        prompt.delete_word();
        assert_eq!(prompt.text, "open a ");
        prompt.delete_line();
        assert_eq!(prompt.text, "");
    }

    #[test]
    fn history_goes_back_and_forth() {
        let history = ["one".to_owned(), "two".to_owned()];
        let mut prompt = Prompt::new(Purpose::Command, "");
        prompt.recall(&history, true);
        assert_eq!(prompt.text, "two");
        prompt.recall(&history, true);
        prompt.recall(&history, true);
        assert_eq!(prompt.text, "one");
        prompt.recall(&history, false);
        assert_eq!(prompt.text, "two");
        prompt.recall(&history, false);
        assert_eq!(prompt.text, "");
    }
}
