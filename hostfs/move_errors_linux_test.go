package hostfs

import (
	"os"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A rename that fails before the decision, or whose name is invalid, is not executed, whatever was decided (F-113,
// F-118, F-191).
func TestRefusedMovesChangeNothing(t *testing.T) {
	w := newMoveTree(t)
	w.must(os.Symlink("f", w.path("planted")))
	w.must(mkfifo(w.path("fifo")))
	allowed := fileaccess.MoveDecision{Verdict: ntstatus.Decided(ntstatus.Success)}
	f := w.opened("f", fileaccess.Request{}, winnt.DELETE)
	for _, c := range []struct {
		to    string
		bad   bool // the decision gets an invalid name
		asked bool
		want  ntstatus.Status
	}{
		{`x\`, true, true, ntstatus.ObjectNameInvalid}, {"", true, true, ntstatus.ObjectNameInvalid},
		{"a:b", true, true, ntstatus.ObjectNameInvalid}, {`..\x`, true, true, ntstatus.ObjectNameInvalid},
		{`d\` + privatePrefix + "x", true, true, ntstatus.ObjectNameInvalid},
		{`d\`, true, true, ntstatus.ObjectNameInvalid}, {"\xff", true, true, ntstatus.ObjectNameInvalid},
		{`none\x`, false, false, ntstatus.ObjectPathNotFound}, {`f\x`, false, false, ntstatus.ObjectPathNotFound},
		{`d\f\x`, false, false, ntstatus.ObjectPathNotFound}, {`d\none\x`, false, false, ntstatus.ObjectPathNotFound},
		{"planted", false, false, ntstatus.AccessDenied}, {"fifo", false, false, ntstatus.AccessDenied},
		{`planted\x`, false, false, ntstatus.AccessDenied},
		{`d\f`, false, true, ntstatus.ObjectNameCollision}, // An existing file must not be replaced,
		{"f", false, true, ntstatus.ObjectNameCollision},   // not even by itself.
	} {
		asked, bad := false, false
		st := f.Move(&nt.FileMove{Name: c.to, Decide: func(q *fileaccess.Move) fileaccess.MoveDecision {
			asked, bad = true, q.BadName
			d := allowed
			d.Replaces = c.to == "f"
			return d
		}})
		if st != c.want || asked != c.asked || bad != c.bad {
			t.Errorf("F-118: Move to %q: %v, decided %t, invalid name %t; want %v, %t, %t", c.to, st, asked, bad,
				c.want, c.asked, c.bad)
		}
	}
	// A denying decision returns its status. A decision without an action changes nothing.
	for want, d := range map[ntstatus.Status]fileaccess.MoveDecision{
		ntstatus.SharingViolation: {Verdict: ntstatus.Decided(ntstatus.SharingViolation), Nothing: true, Replaces: true},
		ntstatus.Success:          {Verdict: ntstatus.Decided(ntstatus.Success), Nothing: true, Replaces: true}} {
		for _, name := range []string{`d\f`, "x", "a:b"} {
			w.want(f.Move(&nt.FileMove{Name: name, Decide: func(*fileaccess.Move) fileaccess.MoveDecision { return d }}), want)
		}
	}
	// A move into a directory that took the path of another one is refused.
	d := check.Result(w.tree.Find(&fileaccess.Request{Name: "d", Subject: w.subject(bob)}, nil)).(*place)
	number, id := d.Identity()
	d.Release()
	nothing := func(*fileaccess.Move) fileaccess.MoveDecision {
		return fileaccess.MoveDecision{Verdict: ntstatus.Decided(ntstatus.Success), Nothing: true}
	}
	for within, want := range map[nt.FileIdentity]ntstatus.Status{{Number: number, ID: id}: ntstatus.Success,
		{Number: number + 1, ID: id}: ntstatus.NotSameObject, {Number: number, ID: "x"}: ntstatus.NotSameObject} {
		w.want(f.Move(&nt.FileMove{Name: `d\x`, Within: &within, Decide: nothing}), want)
	}
	// The root of the tree has no name to change.
	root := w.opened("", fileaccess.Request{}, winnt.DELETE)
	for _, link := range []bool{false, true} {
		w.want(root.Move(&nt.FileMove{Name: "x", Link: link, Decide: func(*fileaccess.Move) fileaccess.MoveDecision {
			t.Error("F-118: a move of the root was decided about, want a denial before")
			return allowed
		}}), ntstatus.AccessDenied)
	}
	// An object that is open by another of its names is not moved aside (F-215).
	w.dir("e", wide)
	for _, name := range []string{`e\f`, `e\g`, "another"} {
		w.must(os.Link(w.path("f"), w.path(name)))
		w.want(w.opened(`d\f`, fileaccess.Request{}, winnt.DELETE).Move(&nt.FileMove{Name: name, Decide: agree(nil),
			Aside: f, AsideName: "aside", DecideAside: agree(nil)}), ntstatus.ObjectNameCollision)
	}
	// If another program creates the aside name during the call, both files keep their names.
	w.file(`e\old`, `e\old`, wide)
	old := w.opened(`e\old`, fileaccess.Request{}, winnt.DELETE)
	w.want(old.SetDelete(true), ntstatus.Success)
	w.want(w.opened(`d\f`, fileaccess.Request{}, winnt.DELETE).Move(&nt.FileMove{Name: `e\old`, AsideName: "aside",
		Aside: old, DecideAside: func(q *fileaccess.Move) fileaccess.MoveDecision {
			check.That(t, q.DeletePending, "F-215: the decision does not see the pending deletion, want it to")
			return agree(nil)(q)
		},
		Decide: agree(func() { w.must(os.WriteFile(w.path(`e\aside`), nil, 0o600)) })}), ntstatus.ObjectNameCollision)
	w.want(old.SetDelete(false), ntstatus.Success)
	for _, name := range []string{"f", `d\f`, `e\old`} {
		if b, err := os.ReadFile(w.path(name)); err != nil || string(b) != name {
			t.Errorf("F-118: contents of %s: %q, %v, want %q", name, b, err, name)
		}
	}
	w.exists("x", false)
	w.nothingPrivate("", "d")
}
