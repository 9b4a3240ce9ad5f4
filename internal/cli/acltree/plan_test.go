package acltree

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

func readers(t *testing.T) Change {
	t.Helper()
	return Edit([]Step{{Verb: Grant, Trustee: sid.Everyone, Rights: must(ParseRights("read")),
		Flags: sd.ObjectInherit | sd.ContainerInherit}})
}

// Inherited entries are renewed and explicit ones stay. A protected or absent DACL ends the renewal. The plan writes
// nothing (F-206).
func TestPlanRenewsInheritedEntriesOnly(t *testing.T) {
	m := sample()
	before := m.text()
	j, counts := planned(t, m, readers(t), nil)
	if m.text() != before {
		t.Errorf("the plan wrote files: %s, want none written", m.text())
	}
	if want := (Counts{Files: 8, Changed: 5, Protected: 2, Skipped: 1}); counts != want {
		t.Errorf("%+v, want %+v", counts, want)
	}
	out, err := Run(t.Context(), m, Mount{}, j, false, nil, nil)
	check.That(t, err == nil && out == (Outcome{Written: 5}), "outcome = %+v, %v, want 5 files written", out, err)
	if got := m.text(); got != changed {
		t.Errorf("got\n%q\nwant\n%q", got, changed)
	}
	_, err = Run(t.Context(), m, Mount{}, j, false, nil, func(o Outcome) { out = o })
	check.That(t, err == nil && out == (Outcome{Already: 5}), "progress of a repeated run = %+v, %v, want 5 files", out,
		err)
	if _, counts := planned(t, m, readers(t), nil); counts.Changed != 0 {
		t.Errorf("a repeated grant changes %d files, want 0", counts.Changed)
	}
}

// Whichever operation fails, the plan counts the file and skips its descendants. Only an error of the root ends the
// plan.
func TestPlanSurvivesErrors(t *testing.T) {
	for _, op := range []string{"open", "read", "list"} {
		for _, name := range []string{"", "a", "a/b", "a/f", "p"} {
			if op == "list" && (name == "a/f" || name == "p") {
				continue // these are not listed
			}
			m := sample()
			m.fail = func(o, p string) error {
				if o == op && p == name {
					return errInjected
				}
				return nil
			}
			var failed []string
			p := Plan{Files: m, Keeper: Mount{}, Recursive: true, Change: readers(t), Report: func(path string, err error) {
				failed = append(failed, path)
				check.That(t, errors.Is(err, errInjected), "%s %s: %v, want the injected error", op, name, err)
			}}
			counts, err := p.Run(t.Context(), discard{})
			if name == "" {
				check.That(t, errors.Is(err, errInjected), "%s of the root: %v, want the injected error", op, err)
				continue
			}
			check.That(t, err == nil && counts.Failed == 1 && len(failed) == 1 && failed[0] == name,
				"%s %s: counts %+v, %v, failed files %q, want only that file", op, name, counts, err, failed)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := (&Plan{Files: sample(), Keeper: Mount{}, Change: readers(t)}).Run(ended, discard{}); !errors.Is(err,
		context.Canceled) {
		t.Errorf("plan with an ended context: %v, want context.Canceled", err)
	}
}

// A new attribute has the version of that of the directory above. A change can ask to store an equal descriptor. A plan
// for a link is an error.
func TestPlanStoresNewAttributes(t *testing.T) {
	m := newMemory()
	a := &ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;BA)")}
	m.add("", Directory, "").values[ntacl.Name] = must(a.Append(nil))
	m.add("f", Regular, "")
	j := journalOf(t, &Plan{Files: m, Keeper: Offline{}, Recursive: true, Change: func(n *Node) (*sd.Descriptor, bool,
		error) {
		n.Store = true
		return n.Before, true, nil
	}})
	entries := 0
	check.NoError(t, j.Each(func(e *Entry) error {
		entries++
		check.That(t, e.Path == "f" && e.Version == 3, "%q gets version %d, want f with 3", e.Path, e.Version)
		return nil
	}))
	check.Equal(t, entries, 1, "changed files")
	m.files[""].status.Kind = Other
	_, err := (&Plan{Files: m, Keeper: Offline{}, Change: readers(t)}).Run(t.Context(), discard{})
	check.That(t, errors.Is(err, ErrKind), "plan for a link: %v, want %v", err, ErrKind)
}

// An entry for CREATOR GROUP in a stored value stays.
func TestStoredCreatorGroupEntryStays(t *testing.T) {
	n := &Node{Directory: true, Kept: &Kept{Raw: []byte("x")}, Before: sddl.MustParse("D:(A;OICI;FR;;;CG)")}
	after, _, err := readers(t)(n)
	check.NoError(t, err)
	check.Equal(t, after.DACL().Len(), 2, "entries")
}

type discard struct{}

func (discard) Put(*Entry) error { return nil }

// With --each, which edits every file's own entries, files with a protected DACL are changed too. A file without a
// DACL or without an entry to revoke is not an error (F-206).
func TestEditEachReachesProtectedFiles(t *testing.T) {
	m := sample()
	j, counts := planned(t, m, EditEach([]Step{{Verb: Grant, Trustee: sid.Users, Rights: must(ParseRights("read")),
		Flags: sd.ObjectInherit | sd.ContainerInherit}}), nil)
	must(Run(t.Context(), m, Mount{}, j, false, nil, nil))
	for name, want := range map[string]string{"p": "D:PAI(A;OICI;FA;;;SY)(A;OICI;FR;;;BU)",
		"p/f": "D:AI(A;;FR;;;BU)(A;ID;FA;;;SY)(A;ID;FR;;;BU)", "n": "D:NO_ACCESS_CONTROL"} {
		got := must(sddl.Format(m.files[name].descriptor(), sddl.Options{Info: winnt.DACL_SECURITY_INFORMATION}))
		check.Equal(t, got, want, "%s", name)
	}
	check.That(t, counts.Failed == 0 && counts.Changed == 7, "counts = %+v, want 7 changed and 0 failed", counts)
	// A step that concerns no entry of the root leaves the other steps.
	j, counts = planned(t, m, EditEach([]Step{{Verb: Revoke, Trustee: sid.Everyone},
		{Verb: Grant, Trustee: sid.Guests, Rights: must(ParseRights("read"))}}), nil)
	must(Run(t.Context(), m, Mount{}, j, false, nil, nil))
	if n := strings.Count(m.text(), "(A;;FR;;;BG)"); counts.Failed != 0 || counts.Changed != 7 || n != 7 ||
		strings.Contains(m.text(), "(A;;FR;;;WD)") {
		t.Errorf("counts %+v and files %s, want 7 changed files without the revoked entry", counts, m.text())
	}
}

// A file in a directory that does not change is renewed if its inherited entries are outdated (F-206).
func TestUnchangedDirectoryIsVisited(t *testing.T) {
	m := newMemory()
	m.add("", Directory, "O:BAG:SYD:PAI(A;OICI;FR;;;WD)(A;OICI;FA;;;BA)")
	m.add("a", Directory, "O:BAG:SYD:AI(A;OICIID;FR;;;WD)(A;OICIID;FA;;;BA)")
	m.add("a/f", Regular, "O:BAG:SYD:AI(A;ID;FX;;;WD)")
	if j, counts := planned(t, m, readers(t), nil); counts.Changed != 1 || j.Entries != 1 {
		t.Errorf("journal has %d entries, counts %+v, want 1 changed file", j.Entries, counts)
	}
}
