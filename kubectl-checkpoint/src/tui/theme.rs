//! Colours: what a piece of text means, and how that looks on this terminal.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Role {
    #[default]
    Plain,
    /// Less important than what is beside it.
    Dim,
    Strong,
    /// The name of a section or of a column.
    Heading,
    /// Something that Enter follows.
    Link,
    Good,
    /// Consistent with an attack, or incomplete.
    Warn,
    Bad,
    /// The selected row of the pane that has the keys.
    Selected,
    /// The selected row of the other pane.
    Marked,
    /// Title bar and key hints.
    Bar,
    BarStrong,
    /// A key in the line of hints.
    Key,
    /// A piece of text that was searched for.
    Match,
    /// The byte under the cursor.
    Cursor,
    Code,
    Data,
    Heap,
    Stack,
    Shared,
    Kernel,
    Anonymous,
    Zero,
    Absent,
}

/// How many colours a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colors {
    None,
    Sixteen,
    Indexed,
    True,
}

/// What `--background` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Background {
    /// By COLORFGBG, and dark where that is not set
    Auto,
    Dark,
    Light,
}

/// How roles look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Theme {
    pub colors: Colors,
    pub light: bool,
}

/// A colour of the palette: dark and light for true colour, dark and light
/// for 256 colours, and one of the sixteen that is legible on both.
struct Ink {
    dark: (u8, u8, u8),
    light: (u8, u8, u8),
    dark_index: u8,
    light_index: u8,
    base: Color,
}

const fn ink(dark: (u8, u8, u8), light: (u8, u8, u8), dark_index: u8, light_index: u8, base: Color) -> Ink {
    Ink { dark, light, dark_index, light_index, base }
}

const GREY: Ink = ink((128, 134, 145), (110, 115, 125), 245, 243, Color::DarkGray);
const BLUE: Ink = ink((110, 170, 240), (20, 90, 190), 75, 25, Color::Blue);
const CYAN: Ink = ink((95, 205, 205), (0, 120, 130), 80, 30, Color::Cyan);
const GREEN: Ink = ink((135, 200, 110), (35, 125, 35), 113, 28, Color::Green);
const YELLOW: Ink = ink((230, 190, 90), (150, 100, 0), 179, 94, Color::Yellow);
const RED: Ink = ink((240, 110, 110), (190, 30, 40), 203, 160, Color::Red);
const PURPLE: Ink = ink((195, 150, 240), (125, 60, 180), 141, 91, Color::Magenta);
const BACK: Ink = ink((45, 65, 100), (200, 218, 245), 24, 153, Color::Blue);
const FAINT: Ink = ink((42, 46, 56), (228, 231, 238), 237, 254, Color::DarkGray);
const BAR: Ink = ink((30, 34, 44), (215, 220, 230), 235, 252, Color::Black);

impl Theme {
    /// Looks at the environment, which says what the terminal can do.
    pub(crate) fn detect(color: bool, background: Background) -> Self {
        let var = |name: &str| std::env::var(name).unwrap_or_default();
        Self::from_environment(color, background, &var("TERM"), &var("COLORTERM"), &var("COLORFGBG"))
    }

    fn from_environment(
        color: bool,
        background: Background,
        term: &str,
        colorterm: &str,
        colorfgbg: &str,
    ) -> Self {
        let colors = if !color || term == "dumb" || term.ends_with("-m") || term == "vt100" {
            Colors::None
        } else if matches!(colorterm, "truecolor" | "24bit") || term.contains("direct") {
            Colors::True
        } else if term.contains("256color") {
            Colors::Indexed
        } else {
            Colors::Sixteen
        };
        let light = match background {
            Background::Dark => false,
            Background::Light => true,
            // rxvt's convention: the last field is the number of the background.
            Background::Auto => matches!(colorfgbg.rsplit(';').next(), Some("7" | "15")),
        };
        Self { colors, light }
    }

    fn color(self, ink: &Ink) -> Color {
        match (self.colors, self.light) {
            (Colors::None, _) => Color::Reset,
            (Colors::Sixteen, _) => ink.base,
            (Colors::Indexed, false) => Color::Indexed(ink.dark_index),
            (Colors::Indexed, true) => Color::Indexed(ink.light_index),
            (Colors::True, false) => Color::Rgb(ink.dark.0, ink.dark.1, ink.dark.2),
            (Colors::True, true) => Color::Rgb(ink.light.0, ink.light.1, ink.light.2),
        }
    }

    /// Returns how a role looks.
    pub(crate) fn style(self, role: Role) -> Style {
        let plain = Style::new();
        let fg = |ink: &Ink| plain.fg(self.color(ink));
        if self.colors == Colors::None {
            return Self::without_color(role);
        }
        // Of sixteen colours none is a quiet background: rows are reversed.
        let quiet = self.colors == Colors::Sixteen;
        let reversed = plain.add_modifier(Modifier::REVERSED);
        match role {
            Role::Plain => plain,
            Role::Cursor => reversed,
            Role::Dim | Role::Zero => fg(&GREY),
            Role::Strong => plain.add_modifier(Modifier::BOLD),
            Role::Heading | Role::Key => fg(&CYAN).add_modifier(Modifier::BOLD),
            Role::Link | Role::Data | Role::Anonymous => fg(&BLUE),
            Role::Good | Role::Heap => fg(&GREEN),
            Role::Warn | Role::Stack => fg(&YELLOW),
            Role::Bad => fg(&RED).add_modifier(Modifier::BOLD),
            Role::Absent => fg(&RED),
            Role::Selected | Role::Bar if quiet => reversed,
            Role::Selected => plain.bg(self.color(&BACK)).add_modifier(Modifier::BOLD),
            Role::Marked if quiet => plain.add_modifier(Modifier::UNDERLINED),
            Role::Marked => plain.bg(self.color(&FAINT)),
            Role::Bar => plain.bg(self.color(&BAR)),
            Role::BarStrong if quiet => plain.add_modifier(Modifier::REVERSED | Modifier::BOLD),
            Role::BarStrong => plain.bg(self.color(&BAR)).fg(self.color(&CYAN)).add_modifier(Modifier::BOLD),
            Role::Match => fg(&YELLOW).add_modifier(Modifier::REVERSED),
            Role::Code => fg(&PURPLE),
            Role::Shared => fg(&CYAN),
            Role::Kernel => fg(&GREY).add_modifier(Modifier::ITALIC),
        }
    }

    fn without_color(role: Role) -> Style {
        let plain = Style::new();
        match role {
            Role::Strong | Role::Heading | Role::Bad | Role::Key => plain.add_modifier(Modifier::BOLD),
            Role::Selected | Role::Bar | Role::Match | Role::Cursor => plain.add_modifier(Modifier::REVERSED),
            Role::BarStrong => plain.add_modifier(Modifier::REVERSED | Modifier::BOLD),
            Role::Marked | Role::Link => plain.add_modifier(Modifier::UNDERLINED),
            Role::Dim => plain.add_modifier(Modifier::DIM),
            _ => plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(term: &str, colorterm: &str, fgbg: &str) -> Theme {
        Theme::from_environment(true, Background::Auto, term, colorterm, fgbg)
    }

    #[test]
    fn the_environment_says_what_the_terminal_can_do() {
        assert_eq!(of("xterm-256color", "truecolor", "").colors, Colors::True);
        assert_eq!(of("tmux-256color", "", "").colors, Colors::Indexed);
        assert_eq!(of("linux", "", "").colors, Colors::Sixteen);
        assert_eq!(of("dumb", "", "").colors, Colors::None);
        assert!(of("xterm", "", "0;15").light);
        assert!(!of("xterm", "", "15;0").light);
        let without = Theme::from_environment(false, Background::Auto, "xterm-256color", "truecolor", "");
        assert_eq!(without.colors, Colors::None);
    }

    #[test]
    fn without_colour_no_role_has_one() {
        let theme = Theme { colors: Colors::None, light: false };
        for role in [Role::Bad, Role::Selected, Role::Bar, Role::Match, Role::Heap, Role::Link] {
            let style = theme.style(role);
            assert!(style.fg.is_none() && style.bg.is_none(), "{role:?}");
        }
    }
}
