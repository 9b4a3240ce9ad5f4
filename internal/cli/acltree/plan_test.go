package acltree

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// grantEveryone returns a change that grants rights on a tree to Everyone.
func grantEveryone(rights string) Change {
	return Edit([]Step{{Verb: Grant, Trustee: sid.Everyone, Rights: check.Must(ParseRights(rights)),
		Flags: sd.ObjectInherit | sd.ContainerInherit}})
}

// planOf returns the plan of a grant on a whole tree.
func planOf(m *memory) *Plan {
	return &Plan{Files: m, Keeper: Mount{}, Recursive: true, Change: grantEveryone("read")}
}

// Inherited entries are renewed and explicit ones stay. A protected or absent DACL ends the renewal. The plan writes
// nothing (F-206).
func TestPlanRenewsInheritedEntriesOnly(t *testing.T) {
	m := sample()
	before := m.text()
	j, counts := planned(t, m, grantEveryone("read"))
	check.Equal(t, m.text(), before, "files after the plan")
	check.Equal(t, counts, Counts{Files: 8, Changed: 5, Protected: 2, Skipped: 1}, "counts")
	single := planOf(m)
	single.Recursive = false
	one := discard(1)
	check.Equal(t, check.Must(single.Run(t.Context(), &one)), Counts{Files: 1, Changed: 1}, "counts of the root alone")
	out, err := Run(t.Context(), m, Mount{}, j, false, nil, nil)
	check.That(t, err == nil && out == (Outcome{Written: 5}), "outcome = %+v, %v, want 5 files written", out, err)
	check.Equal(t, m.text(), changed, "files after the run")
	_, err = Run(t.Context(), m, Mount{}, j, false, nil, func(o Outcome) { out = o })
	check.That(t, err == nil && out == (Outcome{Already: 5}), "progress of a repeated run = %+v, %v, want 5 files", out,
		err)
	_, counts = planned(t, m, grantEveryone("read"))
	check.Equal(t, counts.Changed, 0, "files that a repeated grant changes")
	audited := &Node{Before: sddl.MustParse("D:(A;ID;FX;;;WD)S:(AU;SA;FA;;;WD)"),
		Above: sddl.MustParse("D:(A;OI;FR;;;WD)")}
	after, _, _ := Renew(audited)
	check.That(t, after.SACL().Len() == 1 && after.DACL().At(0).Mask() == 0x120089, "renewed: %v, want its SACL", after)
}

// A path that is too long for a program to name is reported, and its file and descendants stay unchanged. Otherwise
// any user could have the journal grow without bound, or beyond what its reader accepts (F-206).
func TestPlanLeavesLongPaths(t *testing.T) {
	m := sample()
	long := "a/" + strings.Repeat("x", 4094)
	m.add(long, Directory, "O:BAG:SYD:AI(A;ID;FX;;;WD)") // of 4096 bytes
	m.add(long+"/f", Regular, "O:BAG:SYD:AI(A;ID;FX;;;WD)")
	p := planOf(m)
	var failed []string
	p.Report = func(path string, err error) {
		check.ErrorIs(t, err, ErrLongPath, "%.20s", path)
		failed = append(failed, path)
	}
	check.Equal(t, journalOf(t, p).Entries, 6, "entries of the journal")
	check.SlicesEqual(t, failed, []string{long + "/f"}, "failed files")
	check.Equal(t, p.counts.Failed, 1, "counted failures")
}

// Whichever operation fails, the plan counts the file and skips its descendants. Only an error of the root ends the
// plan.
func TestPlanSurvivesErrors(t *testing.T) {
	for _, op := range []string{"open", "read", "list", "change"} {
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
			p := planOf(m)
			change := p.Change
			p.Change = func(n *Node) (*sd.Descriptor, bool, error) {
				if err := m.fail("change", n.Path); err != nil {
					return nil, true, err
				}
				return change(n)
			}
			p.Report = func(path string, err error) {
				failed = append(failed, path)
				check.That(t, errors.Is(err, errInjected), "%s %s: %v, want the injected error", op, name, err)
			}
			sink := discard(9)
			counts, err := p.Run(t.Context(), &sink)
			if name == "" {
				check.That(t, errors.Is(err, errInjected) && counts.Failed == 1 && failed == nil,
					"%s of the root: counts %+v, %v, reported %q, want one failed file", op, counts, err, failed)
				continue
			}
			check.That(t, err == nil && counts.Failed == 1 && len(failed) == 1 && failed[0] == name,
				"%s %s: counts %+v, %v, failed files %q, want only that file", op, name, counts, err, failed)
		}
	}
	for takes := range 5 {
		sink := discard(takes)
		_, err := planOf(sample()).Run(t.Context(), &sink)
		check.ErrorIs(t, err, errInjected, "plan with a sink that fails after %d entries", takes)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	_, err := planOf(sample()).Run(ended, new(discard))
	check.ErrorIs(t, err, context.Canceled, "plan with an ended context")
}

// A new attribute has the version of the attribute of its parent directory. A change can request that an equal
// descriptor is stored. A plan for a link is an error.
func TestPlanStoresNewAttributes(t *testing.T) {
	m := newMemory()
	a := &ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;BA)")}
	m.add("", Directory, "").values[ntacl.Name] = check.Must(a.Append(nil))
	m.add("f", Regular, "")
	a.Version = 2
	m.add("d", Directory, "").values[ntacl.Name] = check.Must(a.Append(nil))
	m.add("d/f", Regular, "")
	m.add("d/e", Directory, "")
	m.add("d/e/f", Regular, "")
	for store, want := range map[bool]string{false: "", true: "f 3;d/f 2;d/e 2;d/e/f 2;"} {
		j := journalOf(t, &Plan{Files: m, Keeper: Offline{}, Recursive: true,
			Change: func(n *Node) (*sd.Descriptor, bool, error) {
				n.Store = store
				return n.Before, true, nil
			}})
		got := ""
		check.NoError(t, j.Each(func(e *Entry) error {
			got += fmt.Sprintf("%s %d;", e.Path, e.Version)
			return nil
		}))
		check.Equal(t, got, want, "changed files and their versions")
	}
	m.files[""].status.Kind = Other
	_, err := (&Plan{Files: m, Keeper: Offline{}, Change: grantEveryone("read")}).Run(t.Context(), new(discard))
	check.ErrorIs(t, err, ErrKind, "plan for a link")
}

// The entry for CREATOR GROUP that a file server derived from the mode goes. It stays in a stored value, for a file,
// and if a step names CREATOR GROUP (B-111).
func TestDerivedCreatorGroupEntryGoes(t *testing.T) {
	for entries, nodes := range [][]*Node{1: {{Directory: true, Kept: &Kept{}}},
		2: {{Kept: &Kept{}}, {Directory: true, Kept: &Kept{Raw: []byte("x")}}, {Directory: true}}} {
		for _, n := range nodes {
			n.Before = sddl.MustParse("D:(A;OICIIO;FX;;;CG)")
			after, _, err := grantEveryone("read")(n)
			check.That(t, err == nil && after.DACL().Len() == entries, "%+v: %v, %v, want %d", n, after, err, entries)
			after, _, err = Edit([]Step{{Verb: Deny, Trustee: sid.CreatorGroup, Rights: check.Must(ParseRights("read"))}})(n)
			check.That(t, err == nil && after.DACL().Len() == 2, "CREATOR GROUP, %+v: %v, %v, want 2", n, after, err)
		}
	}
}

// A revocation of rights that only the derived entries for children have is a change: without a stored descriptor the
// file server would go on deriving them. The same list in a stored descriptor stays an error (B-111).
func TestRevocationOfDerivedEntryIsStored(t *testing.T) {
	steps := []Step{{Verb: Revoke, Trustee: sid.Everyone, Rights: check.Must(ParseRights("read"))}}
	n := &Node{Directory: true, Kept: &Kept{}, Before: sddl.MustParse("D:(A;OICI;FA;;;SY)(A;;;;;WD)(A;OICIIO;FR;;;WD)")}
	for name, change := range map[string]Change{"Edit": Edit(steps), "EditEach": EditEach(steps)} {
		after, _, err := change(n)
		check.RequireThat(t, err == nil, "%s: %v, want no error", name, err)
		got := check.Must(sddl.Format(after, sddl.Options{Info: winnt.DACL_SECURITY_INFORMATION}))
		check.Equal(t, got, "D:AI(A;OICI;FA;;;SY)(A;;;;;WD)", name)
	}
	for _, n := range []*Node{{Directory: true, Kept: &Kept{Raw: []byte("x")}, Before: sddl.MustParse("D:(A;;;;;WD)")},
		{Directory: true, Kept: &Kept{}, Before: sddl.MustParse("D:(A;;;;;WD)(A;OICIIO;0x20;;;WD)")}} {
		_, _, err := Edit(steps)(n)
		check.ErrorIs(t, err, ErrNothing, "revocation of what no entry grants")
	}
}

// discard is a sink that accepts this many entries and then fails.
type discard int

func (d *discard) Put(*Entry) error {
	if *d--; *d < 0 {
		return errInjected
	}
	return nil
}

// With --each, which edits every file's own entries, files with a protected DACL are changed too. The root keeps its
// inherited entries. A file without a DACL or without an entry to revoke is not an error (F-206).
func TestEditEachReachesProtectedFiles(t *testing.T) {
	m := sample()
	m.add("", Directory, "O:BAG:SYD:AI(A;OICI;FA;;;BA)(A;ID;FR;;;SY)")
	j, counts := planned(t, m, EditEach([]Step{{Verb: Grant, Trustee: sid.Users, Rights: check.Must(ParseRights("read")),
		Flags: sd.ObjectInherit | sd.ContainerInherit}}))
	check.Must(Run(t.Context(), m, Mount{}, j, false, nil, nil))
	for name, want := range map[string]string{"": "D:AI(A;OICI;FA;;;BA)(A;OICI;FR;;;BU)(A;ID;FR;;;SY)",
		"p":   "D:PAI(A;OICI;FA;;;SY)(A;OICI;FR;;;BU)",
		"p/f": "D:AI(A;;FR;;;BU)(A;ID;FA;;;SY)(A;ID;FR;;;BU)", "n": "D:NO_ACCESS_CONTROL"} {
		got := check.Must(sddl.Format(m.files[name].descriptor(), sddl.Options{Info: winnt.DACL_SECURITY_INFORMATION}))
		check.Equal(t, got, want, "%s", name)
	}
	check.That(t, counts.Failed == 0 && counts.Changed == 7, "counts = %+v, want 7 changed and 0 failed", counts)
	// A step that concerns no entry of the root leaves the other steps.
	j, counts = planned(t, m, EditEach([]Step{{Verb: Revoke, Trustee: sid.Everyone},
		{Verb: Grant, Trustee: sid.Guests, Rights: check.Must(ParseRights("read"))}}))
	check.Must(Run(t.Context(), m, Mount{}, j, false, nil, nil))
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
	j, counts := planned(t, m, grantEveryone("read"))
	check.That(t, counts.Changed == 1 && j.Entries == 1, "%d entries, %+v, want 1 changed file", j.Entries, counts)
}
