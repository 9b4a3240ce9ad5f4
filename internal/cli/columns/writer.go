package columns

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/printable"
)

// Options describe the output. The zero value suits a file: no width limit and no colours.
type Options struct {
	Width  int  // columns of the terminal; 0: there is no limit
	Colour bool // styles have colours
}

// Limits of the rows that are buffered to measure columns. Wider cells in later rows push the rest of their line to
// the right.
const (
	maxHeld      = 1000
	maxHeldBytes = 1 << 20
)

// For a narrow terminal: the least width of a shortened cell, that of a last cell which makes room for the others, and
// the gap between columns.
const (
	leastWidth = 8
	leastLast  = 24
	gap        = 2
)

// Writer writes tables from rows that [Cell] and [End] built. It belongs to one goroutine.
type Writer struct {
	out    io.Writer
	opt    Options
	part   []byte   // of a row that has not ended
	held   [][]cell // rows that wait to be measured
	size   int      // bytes of held
	widths []int    // nil: not measured yet
}

// New returns a Writer that writes tables to out. Nothing is written before the first Flush or a full buffer, so the
// caller must call Flush at the end.
func New(out io.Writer, o Options) *Writer { return &Writer{out: out, opt: o} }

// Write buffers complete rows, and keeps an incomplete one for the next call. It calls Flush when the buffer is full.
// It returns len(rows), or 0 and the error if the output fails; the buffered rows are then lost.
func (w *Writer) Write(rows []byte) (int, error) {
	n := len(rows)
	for {
		row, rest, ended := bytes.Cut(rows, []byte{end})
		w.part = append(w.part, row...)
		if !ended {
			return n, nil
		}
		rows = rest
		w.held = append(w.held, cells(w.part))
		w.size += len(w.part)
		w.part = w.part[:0]
		// The first rows say how wide columns are (U-100).
		if w.widths != nil && len(w.held) >= 64 || len(w.held) >= maxHeld || w.size >= maxHeldBytes {
			if err := w.Flush(); err != nil {
				return 0, err
			}
		}
	}
}

// Flush writes the buffered complete rows. The first call that has rows fixes the widths of the columns. Without
// buffered rows it does nothing. If the output fails, the buffered rows are lost.
func (w *Writer) Flush() error {
	if len(w.held) == 0 {
		return nil
	}
	if w.widths == nil {
		w.widths = fit(measure(w.held), sids(w.held), w.opt.Width)
	}
	var b strings.Builder
	for _, row := range w.held {
		w.line(&b, row)
	}
	w.held, w.size = w.held[:0], 0
	_, err := io.WriteString(w.out, b.String())
	return err
}

// measure returns the width of the widest cell of each column, and nil without cells. Rows may differ in length.
func measure(rows [][]cell) (widths []int) {
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], printable.Width(c.text))
		}
	}
	return widths
}

// fit narrows the widest columns of a table to fit the terminal (U-101). They get one common width. room is the
// terminal's width in columns, 0 for no limit. No column becomes narrower than leastWidth, so a table can stay too
// wide. kept has minimum widths of the first columns, none above widths; they apply only if the table fits with them.
func fit(widths, kept []int, room int) []int {
	gaps := gap * (len(widths) - 1)
	if room == 0 || wrapped(widths, room-gaps) {
		return widths
	}
	least := gaps
	for i, x := range widths {
		k := 0
		if i < len(kept) {
			k = kept[i]
		}
		least += max(k, min(x, leastWidth))
	}
	if len(kept) > 0 && least <= room {
		return fitAround(widths, kept, room)
	}
	room -= gaps
	most := slices.Max(append(widths, leastWidth))
	sum := func() (n int) {
		for _, x := range widths {
			n += min(x, most)
		}
		return n
	}
	for most > leastWidth && sum() > room {
		most--
	}
	left := room - sum()
	for i, x := range widths {
		if x > most {
			widths[i] = most
			if left > 0 { // distribute the remainder of the division
				widths[i]++
				left--
			}
		}
	}
	return widths
}

// wrapped narrows the last column if the columns are wider than room, and reports whether they fit then. The last
// column keeps a quarter of room, or leastLast; if that is not enough, wrapped changes nothing.
func wrapped(widths []int, room int) bool {
	over := -room
	for _, x := range widths {
		over += x
	}
	last := len(widths) - 1
	if over <= 0 {
		return true
	}
	if last < 1 || widths[last]-over < max(room/4, leastLast) {
		return false
	}
	widths[last] -= over // the last column wraps its text; other columns would cut theirs (U-101)
	return true
}

// fitAround limits each column whose kept width is not 0 to that width, and fits the others into the rest of room. It
// changes and returns widths.
func fitAround(widths, kept []int, room int) []int {
	var free []int
	for i, x := range widths {
		if i < len(kept) && kept[i] > 0 {
			widths[i] = kept[i]
			room -= widths[i] + gap
			continue
		}
		free = append(free, x)
	}
	free = fit(free, nil, room)
	for i := range widths {
		if i >= len(kept) || kept[i] == 0 {
			widths[i], free = free[0], free[1:]
		}
	}
	return widths
}

// sids returns, for each column but the last of a row, the width of its widest SID, because a shortened SID is
// useless. It returns nil if there is none.
func sids(rows [][]cell) (kept []int) {
	for _, row := range rows {
		for i, c := range row[:max(len(row)-1, 0)] {
			if !sidText.MatchString(c.text) {
				continue
			}
			for len(kept) <= i {
				kept = append(kept, 0)
			}
			kept[i] = max(kept[i], printable.Width(c.text))
		}
	}
	return kept
}

// sidText matches a cell that is a SID.
var sidText = regexp.MustCompile(`^S-1(-[0-9]+)+$`)

// line appends a row and its newline to out. With a width limit it shortens long cells in the middle and wraps the last
// one. It drops empty cells at the end of the row.
func (w *Writer) line(out *strings.Builder, row []cell) {
	b := new(strings.Builder)
	defer func() { out.WriteString(b.String()) }()
	for len(row) > 0 && row[len(row)-1].text == "" { // no blanks at the end of a line
		row = row[:len(row)-1]
	}
	indent := 0
	for i, c := range row {
		if i == len(row)-1 {
			w.last(b, c, indent)
			break
		}
		text, most := c.text, 0
		if i < len(w.widths) {
			most = w.widths[i]
		}
		if w.opt.Width > 0 {
			text = Cut(text, most)
		}
		b.WriteString(w.paint(c.style, text))
		pad := max(most-printable.Width(text), 0) + gap
		b.WriteString(strings.Repeat(" ", pad))
		indent += most + gap
	}
	b.WriteByte(end)
}

// last writes the last cell of a row and continues it on further lines, so that none of it is lost. It does not wrap
// if less than leastWidth columns are left.
func (w *Writer) last(b *strings.Builder, c cell, indent int) {
	room := w.opt.Width - indent
	// A text goes below the row if the column has no room for a SID in it, which must not break (U-123).
	if n := printable.SIDWidth(c.text); n > max(room, 0) && n <= w.opt.Width-gap {
		indent, room = gap, w.opt.Width-gap
		before := strings.TrimRight(b.String(), " ")
		b.Reset()
		b.WriteString(before + string(end) + strings.Repeat(" ", indent))
	}
	if room < leastWidth {
		b.WriteString(w.paint(c.style, c.text))
		return
	}
	for i, line := range printable.Wrap(c.text, room) {
		if i > 0 {
			b.WriteByte(end)
			b.WriteString(strings.Repeat(" ", indent))
		}
		b.WriteString(w.paint(c.style, line))
	}
}

// Escape sequences for the terminal's own palette.
var colours = map[Style]string{Good: "\x1b[32m", Bad: "\x1b[31m", Strong: "\x1b[1m"}

// paint returns text in the colour of a style. It returns an empty text, a text without a colour, and every text
// without Options.Colour unchanged.
func (w *Writer) paint(s Style, text string) string {
	colour := colours[s]
	if !w.opt.Colour || colour == "" || text == "" {
		return text
	}
	return colour + text + "\x1b[0m"
}
