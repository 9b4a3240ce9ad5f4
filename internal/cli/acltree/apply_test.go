package acltree

import (
	"context"
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// Whichever writes fail, and wherever a run ends, a repeated run makes the whole change, and an undo restores the
// whole state before it (F-207).
func TestRunContinuesAfterErrors(t *testing.T) {
	before := sample().text()
	for failing := range 5 {
		for _, cut := range []bool{false, true} {
			m := sample()
			j, _ := planned(t, m, readers(t), nil)
			ctx, end := context.WithCancel(t.Context())
			writes := 0
			m.fail = func(op, _ string) error {
				if op != "write" {
					return nil
				}
				if writes++; writes-1 == failing {
					if cut {
						end()
						return nil
					}
					return errInjected
				}
				return nil
			}
			out, err := Run(ctx, m, Mount{}, j, false, nil, nil)
			end()
			m.fail = nil
			switch {
			case cut && failing < 4 && !errors.Is(err, context.Canceled), !cut && (err != nil || out.Failed != 1):
				t.Errorf("write %d: outcome %+v, %v, want one failed write, or a cancelled run", failing, out, err)
			}
			half := m.text()
			if _, err := Run(t.Context(), m, Mount{}, j, false, nil, nil); err != nil || m.text() != changed {
				t.Errorf("F-207: repeated after write %d: %v, state\n%q, want the complete change",
					failing, err, m.text())
			}
			if _, err := Run(t.Context(), m, Mount{}, j, true, nil, nil); err != nil || m.text() != before {
				t.Errorf("F-207: undo: %v, state\n%q, want the state before the change", err, m.text())
			}
			again := sample()
			k, _ := planned(t, again, readers(t), nil)
			writes = 0
			again.fail = func(op, _ string) error {
				if op == "write" {
					if writes++; writes-1 == failing {
						return errInjected
					}
				}
				return nil
			}
			_, _ = Run(t.Context(), again, Mount{}, k, false, nil, nil) // one write fails
			again.fail = nil
			if _, err := Run(t.Context(), again, Mount{}, k, true, nil, nil); err != nil || again.text() != before {
				t.Errorf("F-207: undo of a partial change from %q: %v, state\n%q, want the state before the change",
					half, err, again.text())
			}
		}
	}
}

// A file that was replaced, removed or given another descriptor after the plan is reported and not written, by a
// change and by an undo (F-207).
func TestRunLeavesChangedFiles(t *testing.T) {
	for _, undo := range []bool{false, true} {
		m := sample()
		j, _ := planned(t, m, readers(t), nil)
		if undo {
			must(Run(t.Context(), m, Mount{}, j, false, nil, nil))
		}
		other := "O:BAG:SYD:P(A;;FA;;;SY)"
		m.add("a", Directory, other)
		delete(m.files, "a/b")
		m.files["a/f"].values[MountAttribute] = sddl.MustParse(other).Append(nil)
		got := map[string]error{}
		out, err := Run(t.Context(), m, Mount{}, j, undo, func(p string, err error) { got[p] = err }, nil)
		if err != nil || out.Failed != 3 || !errors.Is(got["a"], ErrReplaced) || !errors.Is(got["a/f"], ErrChanged) ||
			got["a/b"] == nil {
			t.Errorf("F-207: undo %t: outcome %+v, %v, errors %v, want 3 failed files", undo, out, err, got)
		}
		for _, name := range []string{"a", "a/f"} {
			check.Equal(t, must(sddl.Format(m.files[name].descriptor(), sddl.Options{})), other, "F-207: %s has", name)
		}
	}
}
