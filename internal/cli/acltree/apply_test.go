package acltree

import (
	"context"
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// Whichever writes fail, and wherever a run ends, a repeated run makes the whole change, and an undo restores the
// whole state before it (F-207).
func TestRunContinuesAfterErrors(t *testing.T) {
	before := sample().text()
	// change plans the change of a sample and runs it. Its write with the number failing calls instead.
	change := func(ctx context.Context, failing int, instead func() error) (*memory, *Journal, Outcome, error) {
		m := sample()
		j, _ := planned(t, m, grantEveryone("read"))
		m.fail = func(op, _ string) error {
			if op == "write" {
				if failing--; failing < 0 {
					failing = 1 << 30
					return instead()
				}
			}
			return nil
		}
		out, err := Run(ctx, m, Mount{}, j, false, nil, nil)
		m.fail = nil
		return m, j, out, err
	}
	undo := func(m *memory, j *Journal) {
		t.Helper()
		_, err := Run(t.Context(), m, Mount{}, j, true, nil, nil)
		check.That(t, err == nil && m.text() == before, "F-207: undo: %v, state\n%q, want the one before the change",
			err, m.text())
	}
	for failing := range 5 {
		for _, cut := range []bool{false, true} {
			ctx, end := context.WithCancel(t.Context())
			instead := func() error { return errInjected }
			if cut {
				instead = func() error { end(); return nil }
			}
			m, j, out, err := change(ctx, failing, instead)
			ended := failing == 4 || errors.Is(err, context.Canceled)
			check.That(t, cut && ended || !cut && err == nil && out.Failed == 1,
				"write %d: outcome %+v, %v, want one failed write, or a cancelled run", failing, out, err)
			end()
			_, err = Run(t.Context(), m, Mount{}, j, false, nil, nil)
			check.That(t, err == nil && m.text() == changed, "F-207: repeated after write %d: %v, state\n%q, want the "+
				"complete change", failing, err, m.text())
			undo(m, j)
		}
		m, j, _, _ := change(t.Context(), failing, func() error { return errInjected }) // one write fails
		undo(m, j)
	}
}

// A file that was replaced, removed or given another descriptor after the plan is reported and not written, by a
// change and by an undo (F-207).
func TestRunLeavesChangedFiles(t *testing.T) {
	for _, undo := range []bool{false, true} {
		m := sample()
		j, _ := planned(t, m, grantEveryone("read"))
		if undo {
			check.Must(Run(t.Context(), m, Mount{}, j, false, nil, nil))
		}
		other := "O:BAG:SYD:P(A;;FA;;;SY)"
		m.add("a", Directory, other)
		delete(m.files, "a/b")
		m.files["a/f"].values[MountAttribute] = sddl.MustParse(other).Append(nil)
		const child = "a/b/\xff\n\x1b[2J"
		m.files[child].status.Device++
		m.files[""].status.Kind = Regular
		got := map[string]error{}
		out, err := Run(t.Context(), m, Mount{}, j, undo, func(p string, err error) { got[p] = err }, nil)
		if err != nil || out.Failed != 5 || !errors.Is(got["a"], ErrReplaced) || !errors.Is(got[child], ErrReplaced) ||
			!errors.Is(got[""], ErrReplaced) || !errors.Is(got["a/f"], ErrChanged) || got["a/b"] == nil {
			t.Errorf("F-207: undo %t: outcome %+v, %v, errors %v, want 5 failed files", undo, out, err, got)
		}
		for _, name := range []string{"a", "a/f"} {
			check.Equal(t, check.Must(sddl.Format(m.files[name].descriptor(), sddl.Options{})), other, "F-207: %s has", name)
		}
	}
}

// An undo works after the file system was mounted again, which can give all its files another device number. It still
// leaves a file that alone has another one (F-207).
func TestUndoWorksAfterRemount(t *testing.T) {
	m := sample()
	before := m.text()
	j, _ := planned(t, m, grantEveryone("read"))
	check.Must(Run(t.Context(), m, Mount{}, j, false, nil, nil))
	for _, f := range m.files {
		f.status.Device += 7
	}
	m.files["a/f"].status.Device++
	out, err := Run(t.Context(), m, Mount{}, j, true, func(p string, err error) {
		check.That(t, p == "a/f" && errors.Is(err, ErrReplaced), "%s: %v, want only a/f: %v", p, err, ErrReplaced)
	}, nil)
	check.That(t, err == nil && out.Failed == 1, "outcome %+v, %v, want one failed file", out, err)
	m.files["a/f"].status.Device--
	check.Must(Run(t.Context(), m, Mount{}, j, true, nil, nil))
	check.Equal(t, m.text(), before, "F-207: state after the undo")
}

// oneFile is a Keeper that always reads the same descriptor and counts the calls of Write and Restore.
type oneFile struct {
	Keeper
	kept    Kept
	err     error // of Read
	written int
}

func (s *oneFile) Read(Held) (Kept, error) { return s.kept, s.err }

func (s *oneFile) Write(Held, *Kept, uint16, *sd.Descriptor) error { s.written++; return nil }

func (s *oneFile) Restore(Held, *Kept) error { s.written++; return nil }

// A descriptor that the file system derives is not the same state as an equal one in an attribute. A file that has the
// wanted state is not written (F-207).
func TestWriteComparesStoredValues(t *testing.T) {
	m := newMemory()
	s := m.add("f", Regular, "").status
	x, y := []byte("x"), []byte("y")
	for name, c := range map[string]struct {
		undo          bool
		raw           []byte // of the plan
		before, after string
		hasRaw        []byte
		has           string
		written       bool
		err           error
	}{
		"first value":          {false, nil, "D:", "D:P", nil, "D:", true, nil},
		"stored before":        {false, nil, "D:", "D:P", x, "D:", false, ErrChanged},
		"protected before":     {false, x, "D:", "D:(A;;FR;;;WD)", x, "D:P", false, ErrChanged},
		"changed already":      {false, x, "D:", "D:P", y, "D:P", false, nil},
		"equal to the derived": {false, nil, "D:", "D:", nil, "D:", true, nil},
		"undone already":       {true, x, "D:", "D:P", y, "D:", false, nil},
		"never different":      {true, x, "D:", "D:", x, "D:", false, nil},
		"marked before":        {false, x, "D:", "D:P", x, "D:AI", true, nil},
		"unreadable":           {false, x, "D:", "D:P", x, "D:", false, errInjected},
		"mode changed":         {true, nil, "D:", "D:P", nil, "D:(A;;FR;;;WD)", false, ErrChanged},
		"stored by the change": {true, nil, "D:", "D:", x, "D:", true, nil},
		"owner before":         {false, x, "D:", "D:P", x, "O:BAD:", false, ErrChanged},
		"owner since":          {true, x, "D:", "D:P", y, "O:BAD:P", false, ErrChanged},
		"group since":          {true, x, "D:", "D:P", y, "G:BAD:P", false, ErrChanged},
		"audited since":        {true, x, "D:", "D:P", y, "D:PS:(AU;SA;FA;;;WD)", false, ErrChanged},
		"empty SACL since":     {true, x, "D:", "D:P", y, "D:PS:", false, ErrChanged},
		"protected SACL since": {true, x, "D:S:", "D:PS:", y, "D:PS:P", false, ErrChanged},
	} {
		k := &oneFile{Keeper: Offline{}, kept: Kept{Raw: c.hasRaw, Descriptor: sddl.MustParse(c.has)}}
		if name == "unreadable" {
			k.err = c.err
		}
		written, err := Write(m, k, &Entry{Path: "f", Device: s.Device, Inode: s.Inode, Raw: c.raw,
			Before: sddl.MustParse(c.before), After: sddl.MustParse(c.after)}, c.undo)
		check.That(t, written == c.written && (k.written == 1) == c.written && errors.Is(err, c.err),
			"%s: written %t, %d times, %v, want %t, %v", name, written, k.written, err, c.written, c.err)
	}
	check.That(t, Mount{}.Equal(sddl.MustParse("O:BAD:"), sddl.MustParse("D:")),
		"F-207: a mount, which keeps the owner, refuses a file whose owner changed")
}
