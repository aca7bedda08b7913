//! The process tree at the left.

/// A process of the tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Branch {
    pub pid: u32,
    /// The lines that join it to its parent.
    pub front: String,
    /// Its name, escaped.
    pub name: String,
    pub state: Option<&'static str>,
    /// What is consistent with an attack.
    pub marks: Vec<String>,
}

/// The container and its processes; row 0 is the container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    pub branches: Vec<Branch>,
    pub selected: usize,
    pub top: usize,
}

impl Tree {
    pub(crate) fn len(&self) -> usize {
        self.branches.len() + 1
    }

    /// The selected process; `None` is the container.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.selected.checked_sub(1).and_then(|i| self.branches.get(i)).map(|b| b.pid)
    }

    pub(crate) fn branch(&self, pid: u32) -> Option<&Branch> {
        self.branches.iter().find(|b| b.pid == pid)
    }

    pub(crate) fn select(&mut self, pid: Option<u32>, height: usize) {
        let at = match pid {
            None => 0,
            Some(pid) => match self.branches.iter().position(|b| b.pid == pid) {
                Some(at) => at + 1,
                None => return,
            },
        };
        self.go(at, height);
    }

    pub(crate) fn go(&mut self, to: usize, height: usize) {
        let height = height.max(1);
        self.selected = to.min(self.len() - 1);
        if self.selected < self.top {
            self.top = self.selected;
        } else if self.selected >= self.top + height {
            self.top = self.selected + 1 - height;
        }
        self.top = self.top.min(self.len().saturating_sub(height));
    }

    /// Goes to the next process whose name, id or mark holds the text.
    pub(crate) fn find(&mut self, text: &str, forward: bool, height: usize) -> bool {
        let lower = text.to_lowercase();
        let n = self.len();
        for step in 1..=n {
            let at = if forward { (self.selected + step) % n } else { (self.selected + n - step) % n };
            let Some(branch) = at.checked_sub(1).and_then(|i| self.branches.get(i)) else { continue };
            let held = super::table::contains_fold(&branch.name, &lower)
                || branch.pid.to_string() == lower
                || branch.marks.iter().any(|m| super::table::contains_fold(m, &lower));
            if held {
                self.go(at, height);
                return true;
            }
        }
        false
    }
}
