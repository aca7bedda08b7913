//! Where on the screen things are; drawing and the mouse go by it.

use ratatui::layout::Rect;

use super::model::Model;
use super::place::View;

/// Rows of the picture above a memory map.
pub(crate) const STRIP: u16 = 4;

/// The parts of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Areas {
    pub title: Rect,
    pub views: Rect,
    /// Head and rows of the tree; empty when it is hidden.
    pub tree: Rect,
    /// The head of the right-hand side.
    pub head: Rect,
    pub right: Rect,
    pub status: Rect,
    pub hints: Rect,
}

impl Areas {
    pub(crate) fn of(model: &Model) -> Self {
        let (width, height) = model.size;
        let row = |y: u16| Rect::new(0, y.min(height), width, u16::from(y < height));
        let body = height.saturating_sub(4);
        // Long texts want the room of namespaces that nobody chooses from any more.
        let alone = matches!(model.tab().place.view, View::Preflight | View::Capture);
        let tree_width = if model.zoomed || alone || width < 40 {
            0
        } else if width < 100 {
            24
        } else {
            (width / 4).clamp(28, 44)
        };
        let left = if tree_width == 0 { 0 } else { tree_width + 1 };
        let right_width = width.saturating_sub(left);
        Self {
            title: row(0),
            views: row(1),
            tree: Rect::new(0, 2, tree_width, body),
            head: Rect::new(left, 2, right_width, body.min(1)),
            right: Rect::new(left, 3, right_width, body.saturating_sub(1)),
            status: row(height.saturating_sub(2).max(2)),
            hints: row(height.saturating_sub(1).max(3)),
        }
    }

    /// Rows of the tree below its head.
    pub(crate) fn tree_rows(&self) -> usize {
        usize::from(self.tree.height.saturating_sub(1))
    }

    /// Rows of a table below picture and heads.
    pub(crate) fn table_area(&self, model: &Model) -> Rect {
        let tab = model.tab();
        let Some(sheet) = tab.sheet() else { return self.right };
        let above = if sheet.table.strip.is_empty() { 0 } else { STRIP } + u16::from(sheet.table.headed);
        let above = above.min(self.right.height);
        Rect { y: self.right.y + above, height: self.right.height - above, ..self.right }
    }

    pub(crate) fn table_rows(&self, model: &Model) -> usize {
        usize::from(self.table_area(model).height)
    }

    /// The picture above a memory map, if there is one.
    pub(crate) fn strip(&self, model: &Model) -> Option<Rect> {
        let sheet = model.tab().sheet()?;
        let shown = !sheet.table.strip.is_empty() && model.tab().place.view == View::Memory;
        shown.then(|| Rect { height: STRIP.min(self.right.height), ..self.right })
    }

    /// What is said about the byte under the cursor: lines below the bytes.
    pub(crate) fn inspector(&self) -> Rect {
        let height = if self.right.height >= 12 { 4 } else { 1 }.min(self.right.height);
        Rect { y: self.right.bottom() - height, height, ..self.right }
    }

    pub(crate) fn hex_area(&self) -> Rect {
        Rect { height: self.right.height - self.inspector().height, ..self.right }
    }

    pub(crate) fn hex_rows(&self) -> usize {
        usize::from(self.hex_area().height)
    }

    /// Bytes of a line: what fits of address, gutter, digits and text.
    pub(crate) fn hex_width(&self) -> u64 {
        let columns = |bytes: u16| 12 + 3 + bytes * 3 + bytes / 8 + 1 + bytes;
        match self.right.width {
            w if w >= columns(32) => 32,
            w if w >= columns(16) => 16,
            _ => 8,
        }
    }
}
