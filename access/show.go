package access

import (
	"strconv"
	"strings"

	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// String returns the verdict, a table of steps × bits, and the reason for each bit. Each column has the name of its
// right above it (U-125). A cell is + for granted, - for denied, and . for unchanged. A bit that the check
// did not reach stays unchanged and is skipped.
func (x *Explanation) String() string {
	return x.Show(0, nil, func(_ Mark, text string) string { return text })
}

// Mark classifies a text of an explanation as granted or denied. The zero value is neither.
type Mark uint8

// Marks.
const (
	_       Mark = iota
	Granted      // a granted right
	Denied       // a denied right
)

// Show returns the text of String with each part replaced by the result of show. A caller can add colour or remove
// terminal control characters. Columns are as wide as the parts passed to show. After an ACE it prints the name of its
// SID (U-121): nameOf returns "" for a SID without one, and a nil nameOf names none. Reasons that do not fit in width
// columns continue on the next line; width 0 means no limit. With a limited width it counts more than three ACEs
// without an effect instead of listing them (U-122).
func (x *Explanation) Show(width int, nameOf func(sid.SID) string, show func(m Mark, text string) string) string {
	p := shown{Explanation: x, width: width, show: show, of: nameOf}
	for i, line := range breakLines(x.Verdict(), 0, width) {
		if i > 0 {
			p.b.WriteString("\n  ")
		}
		p.put(markOf(x.Decision.Allowed()), line, 0)
	}
	p.b.WriteString("\n\n")
	p.table()
	p.reasons()
	p.b.WriteByte('\n')
	return p.b.String()
}

// shown is the text of an explanation while [Explanation.Show] writes it.
type shown struct {
	*Explanation
	b     strings.Builder
	width int // columns of the terminal, 0: no limit
	show  func(m Mark, text string) string
	of    func(sid.SID) string // the name of a SID; nil: no names
}

// entry returns a step's ACE as SDDL, followed by the name of its SID if names are shown. It returns "" for a step
// without an ACE.
func (p *shown) entry(s *Step) string {
	text := sddlFor(p.typ, s.entry, s.Entry())
	if p.of == nil || s.entry.IsZero() {
		return text
	}
	return strings.TrimSpace(text + " " + p.of(s.entry.SID()))
}

// sddlFor adapts the SDDL text of an ACE to the object type. Letters of directory rights, such as CC, become a number
// if the type is another one (B-101). For a nil type the result is text.
func sddlFor(objectType *winnt.ObjectType, ace sd.ACE, text string) string {
	fields := strings.SplitN(text, ";", 4)
	if objectType == nil || objectType == winnt.DirectoryServiceObject || ace.IsZero() || len(fields) < 4 {
		return text
	}
	switch letters := fields[2]; {
	case ace.Mask()&directoryRights == 0, letters != sddl.FormatRights(ace.Mask()):
	case len(letters) == 2 && strings.Contains("FK", letters[:1]): // FA, KR …: rights of files and keys
	default:
		fields[2] = ace.Mask().String()
	}
	return strings.Join(fields, ";")
}

// directoryRights are the rights for which SDDL has letters of a directory's: CC, DC, LC, SW, RP, WP, DT, LO and CR.
const directoryRights = 0x1ff

// put writes a cell of the table through show and pads it with blanks to width bytes.
func (p *shown) put(mark Mark, text string, width int) {
	p.b.WriteString(p.show(mark, text))
	if n := width - len(text); n > 0 {
		p.b.WriteString(strings.Repeat(" ", n))
	}
}

// lastCell writes the last cell of a row, broken into lines. The cell starts at a column; further lines start at that
// of indent.
func (p *shown) lastCell(text string, column int) {
	for i, line := range breakLines(text, column, p.width) {
		if i > 0 {
			p.b.WriteString("\n" + pad("", indent(column, p.width)))
		}
		p.b.WriteString(p.show(0, line))
	}
}

// table writes the explanation's table: a row for each step and a column for each right. With a limited width it
// counts entries without an effect instead of listing them, if there are more than mostIdle.
func (p *shown) table() {
	folded := p.idle()
	if p.width == 0 || folded <= mostIdle {
		folded = 0
	}
	// Two passes: the columns are as wide as their widest cell, and SDDL is formatted once.
	where, entry := 0, 2
	texts := make([]string, len(p.Steps))
	for i := range p.Steps {
		if folded > 0 && p.Steps[i].isIdle() {
			continue
		}
		texts[i] = p.entry(&p.Steps[i])
		where, entry = max(where, len(p.Steps[i].where())), max(entry, len(texts[i])+2)
	}
	const rule = 8
	need := columnWidth*len(p.Reasons) + rule
	for i, r := range p.Reasons {
		need = max(need, columnWidth*i+len(p.name(r.Bit)))
	}
	// Entries that leave no room for the rights go below their rows, so that the terminal breaks no SID (U-123).
	below := p.width > 0 && where+2+entry+need > p.width
	if below {
		entry = 0
	}
	p.headings(where + 2 + entry)
	for i := range p.Steps {
		s := &p.Steps[i]
		if folded > 0 && s.isIdle() {
			continue
		}
		p.put(0, s.where(), where+2)
		if !below {
			p.put(0, texts[i], entry)
		}
		for _, r := range p.Reasons {
			m, cell := s.cell(r.Bit)
			p.put(m, cell, columnWidth)
		}
		p.b.WriteString(" " + pad(s.Rule, 5) + "  ")
		p.lastCell(s.because(), where+2+entry+columnWidth*len(p.Reasons)+rule)
		if below && texts[i] != "" {
			p.b.WriteString("\n" + pad("", entryIndent))
			p.lastCell(texts[i], entryIndent)
		}
		p.b.WriteByte('\n')
	}
	if folded > 0 {
		p.lastCell(strconv.Itoa(folded)+" other entries have no effect on this request", 0)
		p.b.WriteByte('\n')
	}
	switch { // (U-130)
	case p.unread == 1:
		p.lastCell("1 later entry of the DACL was not needed", 0)
	case p.unread > 1:
		p.lastCell(strconv.Itoa(p.unread)+" later entries of the DACL were not needed", 0)
	default:
		return
	}
	p.b.WriteByte('\n')
}

// headings writes the names of the rights above their columns, a line for each (U-125). Each line has a bar at the
// columns before its own.
func (p *shown) headings(firstColumn int) {
	for i, r := range p.Reasons {
		p.b.WriteString(pad("", firstColumn))
		for range i {
			p.b.WriteString(pad("|", columnWidth))
		}
		p.b.WriteString(p.show(0, p.name(r.Bit)) + "\n")
	}
}

// because returns the reason of a step, followed by the tests that its condition does not meet.
func (s *Step) because() string {
	if s.Unmet == "" {
		return s.Because
	}
	return s.Because + ": " + s.Unmet
}

// entryIndent is the column of an entry below its row.
const entryIndent = 8

// reasons writes the list below the table: for each right its mask and name, the outcome, and the reason.
func (p *shown) reasons() {
	name := 24
	for _, r := range p.Reasons {
		name = max(name, len(p.name(r.Bit))+2)
	}
	for _, r := range p.Reasons {
		m, word, why := p.Outcome(r)
		p.b.WriteString("\n" + pad(r.Bit.String(), 11) + pad(p.name(r.Bit), name))
		p.put(m, word, len("granted  "))
		p.lastCell(why, 11+name+len("granted  "))
	}
}

// mostIdle is the number of entries without an effect that Show lists.
const mostIdle = 3

// idle returns how many of the steps are ACEs without an effect on the request.
func (x *Explanation) idle() (n int) {
	for i := range x.Steps {
		if x.Steps[i].isIdle() {
			n++
		}
	}
	return n
}

// isIdle reports whether the step is an ACE without an effect on the request, which Show may leave out. An ACE whose
// condition is not met is not idle, because a reader looks for its values.
func (s *Step) isIdle() bool { return s.ACE >= 0 && s.Bits == 0 && s.Unmet == "" }

// leastRoom is the minimum number of columns for a reason. With less room the reason starts on a new line.
const leastRoom = 24

// indent returns the column of the continuation lines of a text that starts at column. That is the same column. If
// fewer than leastRoom of the terminal's width columns remain after it, it is one of at most 8.
func indent(column, width int) int {
	if width-column < leastRoom {
		return min(8, max(width-leastRoom, 0))
	}
	return column
}

// breakLines breaks text into lines that fit a terminal of width columns; 0 means no limit. The first line starts at
// column. It is empty if less than leastRoom columns remain there.
func breakLines(text string, column, width int) []string {
	switch room := width - indent(column, width); {
	case width == 0 || column+len(text) <= width:
		return []string{text}
	case width-column < leastRoom:
		return append([]string{""}, printable.Wrap(text, max(room, 1))...)
	default:
		return printable.Wrap(text, room)
	}
}

// Outcome returns how the table ends for the right of b, one of x.Reasons: the mark, a word and the reason. The word is
// "granted" or "denied". It is "skipped", without a mark, if another right was refused before the check reached this
// one.
func (x *Explanation) Outcome(b BitReason) (mark Mark, word, why string) {
	switch {
	case b.Granted:
		return Granted, "granted", x.clause(&b, "it")
	case !x.Skipped(b):
		return Denied, "denied", x.clause(&b, "it")
	// The check never refused the right, so it is not denied (U-125).
	case b.Reason.Kind == Privilege:
		return 0, "skipped", "another right needs " + b.Reason.Privilege.String() + ", which is not enabled"
	}
	return 0, "skipped", x.clause(&b, "another right") + " first"
}

// markOf returns the mark of a decision.
func markOf(granted bool) Mark {
	if granted {
		return Granted
	}
	return Denied
}

const columnWidth = 3

// where returns the first column of a step's row. An ACE's row has the list, the ACE's number from 1, and the pass.
// Any other row has "check" and the list. A node other than the root is appended.
func (s *Step) where() string {
	w := strings.TrimSpace("check " + s.List)
	if s.ACE >= 0 {
		w = strings.TrimSpace(s.List + " entry " + strconv.Itoa(s.ACE+1) + " " + s.Pass)
	}
	if s.Node != 0 {
		w += " node " + strconv.Itoa(s.Node)
	}
	return w
}

// cell returns what the table shows for the right bit in a step's row: "+" granted, "-" denied, "." unchanged.
func (s *Step) cell(bit winnt.AccessMask) (Mark, string) {
	switch {
	case s.Bits&bit == 0:
		return 0, "."
	case s.Granted:
		return Granted, "+"
	}
	return Denied, "-"
}

// pad appends blanks to s up to width bytes. It does not cut a longer text.
func pad(s string, width int) string {
	if len(s) >= width {
		return s
	}
	return s + strings.Repeat(" ", width-len(s))
}
