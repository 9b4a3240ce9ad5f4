package ob_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// dir names a permanent directory at a path, as the system does at boot; text
// "" is one without a descriptor.
func (w *world) dir(path, text string) *ob.Directory {
	w.Helper()
	d := ob.NewDirectory(nil, 0)
	if text != "" {
		d.SetSecurity(protected(eventType, text).Security())
	}
	w.name(path, d)
	return d
}

// name puts an object at a path and makes it permanent.
func (w *world) name(path string, o ob.Object) {
	w.Helper()
	parent, last := w.ns.Root(), path[strings.LastIndexByte(path, '\\')+1:]
	for _, part := range strings.Split(strings.TrimPrefix(strings.TrimSuffix(path, last), `\`), `\`) {
		if part != "" {
			h := parent.Lookup(part, false)
			h.Deref(ob.TagCall)
			parent = h.Object().(*ob.Directory)
		}
	}
	o.Head().SetBirth(ob.Birth{Permanent: true})
	check.Require(w, parent.Insert(last, o, false), ntstatus.Success, "naming %s", path)
	o.Head().Deref(ob.TagCall)
}

func newEvent(*ob.Directory) (ob.Object, ntstatus.Status) {
	return protected(eventType, ownEvent), ntstatus.Success
}

func newDirectory(*ob.Directory) (ob.Object, ntstatus.Status) {
	return ob.NewDirectory(nil, 0), ntstatus.Success
}

// create makes an event at a path with all access.
func (w *world) create(path string, attributes uint32) (winnt.Handle, ntstatus.Status) {
	v, _, st := w.ns.Create(w.c, ob.Name{Path: path, Attributes: attributes}, eventType, w.self, winnt.EVENT_ALL_ACCESS,
		newEvent)
	return v, st
}

// openName opens an event at a path to modify it.
func (w *world) openName(path string, attributes uint32) (winnt.Handle, ntstatus.Status) {
	v, _, st := w.ns.Open(w.c, ob.Name{Path: path, Attributes: attributes}, eventType, w.self, winnt.EVENT_MODIFY_STATE)
	return v, st
}

func (w *world) mustCreate(path string, attributes uint32) winnt.Handle {
	w.Helper()
	v, st := w.create(path, attributes)
	check.Require(w, st, ntstatus.Success, "create %s", path)
	return v
}

// TestNameExistsWhileHandleIsOpen checks that a name can be created once, opened while a handle is open, and is gone
// after the last handle (O-23, O-44, O-91, OC-32, OC-33, OC-34, OC-51).
func TestNameExistsWhileHandleIsOpen(t *testing.T) {
	w := newWorld(t)
	v := w.mustCreate(`\ev`, 0)
	wantStatus(t, "OC-32: again", check.Status(w.create(`\ev`, 0)), ntstatus.ObjectNameCollision)
	u, st := w.create(`\ev`, winnt.OBJ_OPENIF)
	wantStatus(t, "OC-32: with OBJ_OPENIF", st, ntstatus.ObjectNameExists)
	check.That(t, st.IsSuccess() && u != 0,
		"create with OBJ_OPENIF = %v, handle %#x, want a success status and a handle", st, u)
	_, _, st = w.ns.Open(w.c, ob.Name{Path: `\ev`}, jobType, w.self, 1)
	wantStatus(t, "OC-33: as job", st, ntstatus.ObjectTypeMismatch)
	_, _, st = w.ns.Create(w.c, ob.Name{Path: `\ev`, Attributes: winnt.OBJ_OPENIF}, jobType, w.self, 1, newEvent)
	wantStatus(t, "OBJ_OPENIF as job", st, ntstatus.ObjectTypeMismatch)
	_, _, st = w.ns.Open(w.c, ob.Name{Path: `\ev`}, eventType, w.self, 0)
	wantStatus(t, "OC-51: asking nothing", st, ntstatus.AccessDenied)

	o, g, _ := ob.Reference[*object](w.c, v, 0, eventType)
	check.That(t, o.Path() == `\ev` && o.Name() == "ev" && o.Parent() == w.ns.Root() &&
		g.Access == winnt.EVENT_ALL_ACCESS,
		"object has path %q, name %q, granted %v, want \\ev, ev and all rights", o.Path(), o.Name(), g.Access)
	w.c.Close(v)
	check.Equal(t, check.Status(w.openName(`\ev`, 0)), ntstatus.Success, "open while one handle is left")
	w.c.Table.Drain()
	w.c.Table = ob.NewTable(0)
	check.That(t, o.Name() == "" && o.destroyed == 0, // O-44: the body outlives the name
		`after the last handle: name %q, destroyed %d, want "", 0`, o.Name(), o.destroyed)
	wantStatus(t, "OC-34: after the last handle", check.Status(w.openName(`\ev`, 0)), ntstatus.ObjectNameNotFound)
	o.Deref(ob.TagCall)
	check.That(t, o.destroyed == 1, "object destroyed %d times after the last reference, want 1", o.destroyed)
	v = w.mustCreate(`\ev`, 0)
	w.c.Audit = &listener{during: func() { w.c.Table.Close(v) }}
	wantStatus(t, "O-44: the last handle is closed during an open", check.Status(w.openName(`\ev`, 0)),
		ntstatus.ObjectNameNotFound)
}

// TestMalformedNamesAreRefused checks the syntax of names and the valid attributes (O-22, O-23).
func TestMalformedNamesAreRefused(t *testing.T) {
	w := newWorld(t)
	a, ev := w.dir(`\A`, ""), protected(eventType, ownEvent)
	w.name(`\ev`, ev)
	w.name(`\A\link`, ob.NewSymbolicLink("nowhere", nil))
	root, _, _ := w.ns.Open(w.c, ob.Name{Path: `\A`}, ob.DirectoryType, w.self, winnt.DIRECTORY_QUERY)
	event, _ := open(t, w.c.Table, 1, 0)
	references := func() [3]int64 { return [3]int64{w.ns.Root().PointerCount(), a.PointerCount(), ev.PointerCount()} }
	before := references()
	for _, tt := range []struct {
		root winnt.Handle
		path string
		want ntstatus.Status
	}{
		{0, ``, ntstatus.ObjectPathSyntaxBad},
		{0, `ev`, ntstatus.ObjectPathSyntaxBad},
		{0, `A\ev`, ntstatus.ObjectPathSyntaxBad},
		{root, `\ev`, ntstatus.ObjectPathSyntaxBad},
		{0, `\A\`, ntstatus.ObjectNameInvalid},
		{0, `\\A`, ntstatus.ObjectNameInvalid},
		{0, `\A\\ev`, ntstatus.ObjectNameInvalid},
		{root, `\\y`, ntstatus.ObjectPathSyntaxBad},
		{root, `x\\y`, ntstatus.ObjectPathNotFound},
		{0, `\A\x\`, ntstatus.ObjectPathNotFound},
		{0, `\ev\x\`, ntstatus.ObjectNameInvalid}, // nothing can be missing below an event
		{0, `\B\ev`, ntstatus.ObjectPathNotFound},
		{0, `\A\ev`, ntstatus.ObjectNameNotFound},
		{root, `ev`, ntstatus.ObjectNameNotFound},
		{0, `\ev\x`, ntstatus.ObjectTypeMismatch},
		{0, `\A\link`, ntstatus.ObjectPathSyntaxBad},
		{0, `\`, ntstatus.ObjectTypeMismatch},
		{root, ``, ntstatus.ObjectTypeMismatch},
		{400, `\\`, ntstatus.InvalidHandle},        // RootDirectory comes before the syntax
		{event, `\\`, ntstatus.ObjectTypeMismatch}, // its type also comes before the syntax
	} {
		_, _, st := w.ns.Open(w.c, ob.Name{Root: tt.root, Path: tt.path}, eventType, w.self, 1)
		wantStatus(t, fmt.Sprintf("open %d %q", tt.root, tt.path), st, tt.want)
		check.Equal(t, references(), before, "references after a refused open of %q", tt.path)
	}
	for _, attributes := range []uint32{0x1, 0x4, 0x8, 0x2000, 1 << 31} {
		_, st := w.openName(`\ev`, attributes)
		wantStatus(t, fmt.Sprintf("attributes %#x", attributes), st, ntstatus.InvalidParameter)
	}
	for _, mode := range []access.Mode{access.Kernel, access.User} {
		for attributes, want := range map[uint32]ntstatus.Status{0x2000: ntstatus.InvalidParameter,
			winnt.OBJ_EXCLUSIVE | winnt.OBJ_INHERIT: ntstatus.InvalidParameter, winnt.OBJ_EXCLUSIVE: ntstatus.Success,
			winnt.OBJ_INHERIT: ntstatus.Success, winnt.OBJ_VALID_ATTRIBUTES &^ winnt.OBJ_EXCLUSIVE: ntstatus.Success} {
			for _, forced := range []uint32{0, winnt.OBJ_FORCE_ACCESS_CHECK} {
				st := (&ob.Caller{Mode: mode}).CheckAttributes(attributes | forced)
				wantStatus(t, fmt.Sprintf("attributes %#x in mode %v", attributes|forced, mode), st, want)
			}
		}
	}
	v, _, st := w.ns.Open(w.c, ob.Name{Path: `\`}, ob.DirectoryType, w.self, 1)
	check.That(t, st == ntstatus.Success && v != 0, "opening the root: %v, want success and a handle", st)
}

// Each step of O-22 precedes the later ones.
func TestNamedOpenChecksInDocumentedOrder(t *testing.T) { // O-22, O-20, O-26, O-27, O-30
	w := newWorld(t)
	w.name(`\ev`, protected(eventType, noRights))
	const bad, exclusive = 0x00200000, winnt.OBJ_EXCLUSIVE | winnt.OBJ_INHERIT
	for i, tt := range []struct {
		n       ob.Name
		typ     *ob.Type
		desired winnt.AccessMask
		want    ntstatus.Status
	}{
		{ob.Name{Root: 400, Path: `x\\`, Attributes: exclusive}, eventType, bad, ntstatus.InvalidParameter},
		{ob.Name{Root: 400, Path: `x\\`}, eventType, bad, ntstatus.InvalidHandle},
		{ob.Name{Path: `x\\`}, eventType, bad, ntstatus.ObjectPathSyntaxBad},
		{ob.Name{Path: `\none`}, eventType, bad, ntstatus.AccessDenied},
		{ob.Name{Path: `\none`}, eventType, winnt.ACCESS_SYSTEM_SECURITY, ntstatus.PrivilegeNotHeld},
		{ob.Name{Path: `\none`}, eventType, 0, ntstatus.ObjectNameNotFound},
		{ob.Name{Path: `\ev`, Attributes: winnt.OBJ_OPENLINK}, jobType, 0, ntstatus.ObjectTypeMismatch},
		{ob.Name{Path: `\ev`, Attributes: winnt.OBJ_OPENLINK}, eventType, 0, ntstatus.InvalidParameter},
		{ob.Name{Path: `\ev`, Attributes: winnt.OBJ_EXCLUSIVE}, eventType, 0, ntstatus.InvalidParameter},
		{ob.Name{Path: `\ev`}, eventType, 0x8000, ntstatus.AccessDenied},
	} {
		_, _, st := w.ns.Open(w.c, tt.n, tt.typ, w.self, tt.desired)
		wantStatus(t, fmt.Sprintf("step %d", i), st, tt.want)
	}
	w.kernel(func() {
		_, _, st := w.ns.Open(w.c, ob.Name{Path: `\none`}, eventType, w.self, bad)
		wantStatus(t, "reserved bits in kernel mode", st, ntstatus.AccessDenied)
	})
	got := w.c.Table.Count()
	check.That(t, got == 0, "table has %d handles after failed opens, want 0", got)
}

// TestUnnamedCreateChecksInDocumentedOrder checks that for an object without a name reserved bits, the privilege, the
// type's attributes and the type's rights are also checked in this order (O-20, O-30, O-22, O-21).
func TestUnnamedCreateChecksInDocumentedOrder(t *testing.T) {
	w := newWorld(t)
	const reserved, sacl, foreign, refused = 0x00200000, winnt.ACCESS_SYSTEM_SECURITY, 0x8000, winnt.OBJ_OPENLINK
	for i, tt := range []struct {
		desired    winnt.AccessMask
		attributes uint32
		want       ntstatus.Status
	}{
		{reserved | sacl | foreign, refused, ntstatus.AccessDenied},
		{sacl | foreign, refused, ntstatus.PrivilegeNotHeld},
		{foreign, refused, ntstatus.InvalidParameter},
		{sacl | foreign, 0, ntstatus.PrivilegeNotHeld},
		{foreign, 0, ntstatus.AccessDenied},
		{sacl, winnt.OBJ_PERMANENT, ntstatus.PrivilegeNotHeld},
		{winnt.EVENT_ALL_ACCESS, winnt.OBJ_PERMANENT, ntstatus.Success},
	} {
		_, _, st := w.ns.Create(w.c, ob.Name{Attributes: tt.attributes}, eventType, w.self, tt.desired, newEvent)
		wantStatus(t, fmt.Sprintf("row %d", i), st, tt.want)
	}
	n := w.c.Table.Count()
	check.That(t, n == 1, "table has %d handles, want only that of the last row", n)
	v, granted, st := w.ns.Create(w.c, ob.Name{}, eventType, w.self, winnt.MAXIMUM_ALLOWED, newEvent)
	wantStatus(t, "MAXIMUM_ALLOWED", st, ntstatus.Success)
	check.Equal(t, granted, winnt.EVENT_ALL_ACCESS, "access of the creator")
	w.c.Close(v)
}

// TestPermanentObjectKeepsItsName checks that a permanent name needs the privilege, outlives the last handle, and is
// removed when the object becomes temporary (O-26, O-44, OC-35, OC-36).
func TestPermanentObjectKeepsItsName(t *testing.T) {
	w := newWorld(t)
	_, st := w.create(`\ev`, winnt.OBJ_PERMANENT)
	wantStatus(t, "OC-36: without the privilege", st, ntstatus.PrivilegeNotHeld)
	_, st = w.create(`\ev`, winnt.OBJ_PERMANENT|winnt.OBJ_FORCE_ACCESS_CHECK)
	wantStatus(t, "O-26: with OBJ_FORCE_ACCESS_CHECK", st, ntstatus.PrivilegeNotHeld)
	w.kernel(func() {
		// Kernel mode does not need the privilege, even with OBJ_FORCE_ACCESS_CHECK (O-26).
		for _, more := range []uint32{0, winnt.OBJ_FORCE_ACCESS_CHECK} {
			v, st := w.create(`\ker`, winnt.OBJ_PERMANENT|more)
			wantStatus(t, "O-26: in kernel mode", st, ntstatus.Success)
			wantStatus(t, "closing the handle", w.c.Close(v), ntstatus.Success)
			h := w.ns.Root().Lookup("ker", false)
			check.RequireThat(t, h != nil, "O-26: an object created with %#x is gone after its last handle", more)
			check.That(t, h.KernelObject(), "an object made in kernel mode is not a kernel object")
			h.MakeTemporary()
		}
	})
	v, st := w.create(``, winnt.OBJ_PERMANENT)
	wantStatus(t, "unnamed", st, ntstatus.Success)
	unnamed, _, _ := ob.Reference[*object](w.c, v, 0, eventType)
	check.That(t, !unnamed.Permanent() && !unnamed.KernelObject(),
		"O-26: an unnamed object is permanent or of kernel mode")
	unnamed.MakePermanent()
	check.That(t, unnamed.Permanent(), "MakePermanent of an unnamed object has no effect")
	unnamed.Deref(ob.TagCall)
	wantStatus(t, "closing the handle", w.c.Close(v), ntstatus.Success)

	w.self = subject(t, winnt.SeCreatePermanentPrivilege)
	w.c.Audit = &deaf{fails: true}
	made := protected(eventType, ownEvent)
	_, _, st = w.ns.Create(w.c, ob.Name{Path: `\ev`, Attributes: winnt.OBJ_PERMANENT}, eventType, w.self, 1,
		func(*ob.Directory) (ob.Object, ntstatus.Status) { return made, ntstatus.Success })
	wantStatus(t, "U-64: its record fails", st, ntstatus.AuditFailed)
	check.Equal(t, made.destroyed, 1, "U-64: ends of the object without a record")
	w.c.Audit = nil
	v = w.mustCreate(`\ev`, winnt.OBJ_PERMANENT) // the object that could not be recorded has left no name
	w.c.Close(v)
	v, st = w.openName(`\ev`, 0)
	wantStatus(t, "OC-35: after the last handle", st, ntstatus.Success)
	o, _, _ := ob.Reference[*object](w.c, v, 0, eventType)
	defer o.Deref(ob.TagCall)
	o.MakeTemporary()
	check.That(t, strings.HasPrefix(o.Path(), `\ev`),
		"path = %q while a handle is open, want one that starts with \\ev", o.Path())
	w.c.Close(v)
	wantStatus(t, "OC-35: temporary again, closed", check.Status(w.openName(`\ev`, 0)), ntstatus.ObjectNameNotFound)

	w.mustCreate(`\other`, 0)
	h := w.ns.Root().Lookup("other", false)
	h.MakePermanent()
	w.c.Table.Drain()
	check.Equal(t, h.Name(), "other", "name of a permanent object after its last handle")
	check.Equal(t, h.Object().(*object).closed, 1, "O-44: close actions of a permanent object after its last handle")
	if h.MakePermanent(); h.Name() != "other" {
		t.Error("OC-35: MakePermanent on a permanent object without handles removed its name, want no change")
	}
	h.MakeTemporary()
	check.Equal(t, h.Name(), "", "name of a temporary object without handles")
	h.Deref(ob.TagCall)
}

// TestExclusiveObjectIsOpenedByItsProcess checks who can open an exclusive object (O-27, OC-37, OC-38).
func TestExclusiveObjectIsOpenedByItsProcess(t *testing.T) {
	p, q := newWorld(t), newWorld(t)
	q.ns = p.ns
	_, st := p.create(`\ev`, winnt.OBJ_EXCLUSIVE|winnt.OBJ_INHERIT)
	wantStatus(t, "OC-37", st, ntstatus.InvalidParameter)
	_, st = p.create(``, winnt.OBJ_EXCLUSIVE|winnt.OBJ_INHERIT)
	wantStatus(t, "OC-37, unnamed", st, ntstatus.InvalidParameter)
	p.mustCreate(`\ev`, winnt.OBJ_EXCLUSIVE)
	wantStatus(t, "OC-38: by another process", check.Status(q.openName(`\ev`, 0)), ntstatus.AccessDenied)
	wantStatus(t, "by its owner", check.Status(p.openName(`\ev`, winnt.OBJ_EXCLUSIVE)), ntstatus.Success)
	p.mustCreate(`\shared`, 0)
	_, st = p.openName(`\shared`, winnt.OBJ_EXCLUSIVE)
	wantStatus(t, "exclusive of a shared one", st, ntstatus.InvalidParameter)
	o := newObject(eventType, nil)
	o.Head().SetBirth(ob.Birth{Exclusive: p.c.Process})
	for attributes, want := range map[uint32]ntstatus.Status{winnt.OBJ_EXCLUSIVE: ntstatus.Success,
		winnt.OBJ_INHERIT: ntstatus.Success, winnt.OBJ_EXCLUSIVE | winnt.OBJ_INHERIT: ntstatus.InvalidParameter} {
		check.Equal(t, p.decide(o, 1, attributes).Status(), want, "open by pointer with attributes %#x", attributes)
		check.Equal(t, q.decide(o, 1, attributes).Status(), ntstatus.AccessDenied, "open by another process")
	}
	check.Equal(t, q.decide(o, 1, eventType.Invalid).Status(), ntstatus.InvalidParameter,
		"O-22: open by another process with attributes that the type refuses")
}

// TestOpenNeedsTraverseRight checks the traverse right on each directory of a path (O-24, OC-39).
func TestOpenNeedsTraverseRight(t *testing.T) {
	w := newWorld(t, winnt.SeChangeNotifyPrivilege)
	w.dir(`\A`, noRights)
	w.dir(`\A\B`, "O:SYG:SYD:(A;;0x2;;;"+alice+")")
	w.name(`\A\B\ev`, protected(eventType, ownEvent))
	wantStatus(t, "OC-39: with SeChangeNotifyPrivilege", check.Status(w.openName(`\A\B\ev`, 0)), ntstatus.Success)
	without := subject(t)
	w.self.Client, w.self.Level = without.Primary.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityImpersonation),
		winnt.SecurityImpersonation
	wantStatus(t, "a client without, of a process with", check.Status(w.openName(`\A\B\ev`, 0)), ntstatus.AccessDenied)
	w.self = without
	wantStatus(t, "OC-39: without", check.Status(w.openName(`\A\B\ev`, 0)), ntstatus.AccessDenied)
	w.kernel(func() {
		wantStatus(t, "kernel mode", check.Status(w.openName(`\A\B\ev`, 0)), ntstatus.Success)
		_, st := w.openName(`\A\B\ev`, winnt.OBJ_FORCE_ACCESS_CHECK)
		wantStatus(t, "kernel mode, forced", st, ntstatus.AccessDenied)
		for attributes, want := range map[uint32]ntstatus.Status{0: ntstatus.Success,
			winnt.OBJ_FORCE_ACCESS_CHECK: ntstatus.PrivilegeNotHeld} {
			_, _, st = w.ns.Open(w.c, ob.Name{Path: `\A\B\ev`, Attributes: attributes}, eventType, w.self,
				winnt.ACCESS_SYSTEM_SECURITY)
			wantStatus(t, "O-30: kernel mode, the SACL", st, want)
		}
	})
	w.dir(`\C`, "O:SYG:SYD:(A;;0x2;;;"+alice+")")
	wantStatus(t, "create without CREATE_OBJECT", check.Status(w.create(`\C\ev`, 0)), ntstatus.AccessDenied)
	w.kernel(func() {
		_, st := w.create(`\C\ev`, winnt.OBJ_FORCE_ACCESS_CHECK)
		wantStatus(t, "kernel mode without CREATE_OBJECT, forced", st, ntstatus.AccessDenied)
	})
	w.dir(`\D`, "O:SYG:SYD:(A;;0x6;;;"+alice+")")
	w.mustCreate(`\D\ev`, 0)
	_, _, st := w.ns.Create(w.c, ob.Name{Path: `\D\sub`}, ob.DirectoryType, w.self, 1, newDirectory)
	wantStatus(t, "a directory without CREATE_SUBDIRECTORY", st, ntstatus.AccessDenied)
	w.dir(`\E`, "O:SYG:SYD:(A;;0xA;;;"+alice+")")
	_, _, st = w.ns.Create(w.c, ob.Name{Path: `\E\sub`}, ob.DirectoryType, w.self, 1, newDirectory)
	wantStatus(t, "with it", st, ntstatus.Success)
	_, st = w.create(`\D\ev2`, winnt.OBJ_OPENLINK)
	wantStatus(t, "an attribute the type refuses", st, ntstatus.InvalidParameter)
}

// TestSymbolicLinksAreFollowed checks how a path continues after a symbolic link (O-24).
func TestSymbolicLinksAreFollowed(t *testing.T) {
	w := newWorld(t)
	link := func(path, target string) { w.name(path, ob.NewSymbolicLink(target, nil)) }
	w.dir(`\A`, "")
	w.name(`\A\ev`, protected(eventType, ownEvent))
	link(`\dir`, `\A`)
	link(`\ev`, `\dir\ev`)
	link(`\root`, `\`)
	link(`\bad`, `A`)
	link(`\slash`, `\A\`)
	link(`\loop`, `\loop`)
	for i := range 32 { // \L31 … \L1 → \L0 → \A\ev
		target := fmt.Sprintf(`\L%d`, i-1)
		if i == 0 {
			target = `\A\ev`
		}
		link(fmt.Sprintf(`\L%d`, i), target)
	}
	for path, want := range map[string]ntstatus.Status{
		`\dir\ev`:       ntstatus.Success,
		`\ev`:           ntstatus.Success,
		`\root\dir\ev`:  ntstatus.Success,
		`\root\root\ev`: ntstatus.Success,
		`\dir\none`:     ntstatus.ObjectNameNotFound,
		`\bad\ev`:       ntstatus.ObjectPathSyntaxBad,
		`\slash\ev`:     ntstatus.ObjectNameInvalid,
		`\loop`:         ntstatus.ObjectPathNotFound,
		`\L30`:          ntstatus.Success,            // 31 links
		`\L31`:          ntstatus.ObjectPathNotFound, // 32
	} {
		for _, attributes := range []uint32{0, winnt.OBJ_CASE_INSENSITIVE | winnt.OBJ_INHERIT} {
			wantStatus(t, path, check.Status(w.openName(path, attributes)), want)
		}
	}
	_, st := w.openName(`\dir\ev`, winnt.OBJ_DONT_REPARSE)
	wantStatus(t, "OBJ_DONT_REPARSE", st, ntstatus.ReparsePointEncountered)
	_, st = w.openName(`\A\ev`, winnt.OBJ_DONT_REPARSE)
	wantStatus(t, "OBJ_DONT_REPARSE without a link", st, ntstatus.Success)
	p, st := w.ns.Resolve(w.c, ob.Name{Path: `\ev`, Attributes: winnt.OBJ_OPENLINK}, nil, &w.self, 1)
	if l, ok := p.Object.(*ob.SymbolicLink); st != ntstatus.Success || !ok || l.Target() != `\dir\ev` {
		t.Errorf("resolving with OBJ_OPENLINK = %v, %v, want the link itself", p.Object, st)
	}
	p.Release()
	p.Release() // a second call does nothing
	p, st = w.ns.Resolve(w.c, ob.Name{Path: `\dir\ev`, Attributes: winnt.OBJ_OPENLINK}, nil, &w.self, 1)
	wantStatus(t, "OBJ_OPENLINK behind a link", st, ntstatus.Success)
	check.That(t, p.Object != nil && p.Object.Head().Type() == eventType, "OBJ_OPENLINK behind a link finds %v", p.Object)
	p.Release()
	w.c.Why = &ob.Why{}
	for path, rule := range map[string]string{`\bad\ev`: "O-23", `\loop`: "O-24", `\dir\none\ev`: "O-23"} {
		*w.c.Why = ob.Why{}
		_, _ = w.openName(path, 0)
		check.Equal(t, w.c.Why.Rule, rule, "rule of a refused open of %s", path)
	}
	w.c.Why = nil
	_, _, st = w.ns.Open(w.c, ob.Name{Path: `\ev`}, ob.SymbolicLinkType, w.self, 1)
	wantStatus(t, "opening the link itself", st, ntstatus.Success)
	w.mustCreate(`\dir\new`, 0)
	wantStatus(t, "created behind a link", check.Status(w.openName(`\A\new`, 0)), ntstatus.Success)
}

// TestNameLookupIgnoresCaseOnRequest checks names that differ only in case, with and without OBJ_CASE_INSENSITIVE
// (O-25).
func TestNameLookupIgnoresCaseOnRequest(t *testing.T) {
	w := newWorld(t)
	w.mustCreate(`\Ävent`, 0)
	wantStatus(t, "other case", check.Status(w.openName(`\ävent`, 0)), ntstatus.ObjectNameNotFound)
	_, st := w.openName(`\äVENT`, winnt.OBJ_CASE_INSENSITIVE)
	wantStatus(t, "other case, insensitive", st, ntstatus.Success)
	for _, more := range []uint32{0, winnt.OBJ_INHERIT} {
		_, st = w.create(`\ävent`, winnt.OBJ_CASE_INSENSITIVE|more)
		wantStatus(t, "create, insensitive", st, ntstatus.ObjectNameCollision)
	}
	v := w.mustCreate(`\ävent`, winnt.OBJ_INHERIT) // another name for a case-sensitive creator, whatever else it asks for
	check.Equal(t, len(w.ns.Root().Names()), 2, "root: names")
	h, g, _ := w.c.Table.Lookup(v, ob.TagCall)
	h.Deref(ob.TagCall)
	check.That(t, g.Attributes == winnt.OBJ_INHERIT && h.Name() == "ävent",
		"handle of %s = %+v, want only OBJ_INHERIT and the name ävent", h.Name(), g)
}

// Bytes that are not UTF-8 have no case. Names with different ones are different names, with OBJ_CASE_INSENSITIVE too
// (O-25).
func TestBytesOutsideUTF8AreNotFolded(t *testing.T) {
	w := newWorld(t)
	w.mustCreate("\\ö\xff", winnt.OBJ_CASE_INSENSITIVE)
	w.mustCreate("\\ö\xfe", winnt.OBJ_CASE_INSENSITIVE)
	_, st := w.openName("\\Ö\xff", winnt.OBJ_CASE_INSENSITIVE)
	wantStatus(t, "other case", st, ntstatus.Success)
	_, st = w.openName("\\ö\ufffd", winnt.OBJ_CASE_INSENSITIVE)
	wantStatus(t, "the replacement character", st, ntstatus.ObjectNameNotFound)
	for name, want := range map[string]string{"a\xffb": "A\xffB", "\xed\xa0\x80z\u0250": "\xed\xa0\x80Z\u2c6f"} {
		check.Equal(t, ob.Upcase(name), want, "upper-case form of %q", name)
	}
}

func TestMissingNameIsNotEmptyName(t *testing.T) { // O-162: below a root directory no name is not an empty one
	w := newWorld(t)
	w.name(`\d`, ob.NewDirectory(nil, 0))
	root, _, st := w.ns.Open(w.c, ob.Name{Path: `\d`}, ob.DirectoryType, w.self, 1)
	wantStatus(t, "root", st, ntstatus.Success)
	for _, c := range []struct {
		name ob.Name
		want ntstatus.Status
	}{
		{ob.Name{Root: root}, ntstatus.Success},
		{ob.Name{Root: root, Unnamed: true}, ntstatus.ObjectNameInvalid},
		{ob.Name{}, ntstatus.ObjectPathSyntaxBad},
		{ob.Name{Unnamed: true}, ntstatus.ObjectPathSyntaxBad},
	} {
		v, _, st := w.ns.Open(w.c, c.name, ob.DirectoryType, w.self, 1)
		wantStatus(t, fmt.Sprintf("%+v", c.name), st, c.want)
		w.c.Close(v)
	}
	_, _, st = w.ns.Create(w.c, ob.Name{Root: root}, eventType, w.self, 1, newEvent)
	wantStatus(t, "a new object with an empty name", st, ntstatus.Success)
}

func TestDeviceParsesRestOfPath(t *testing.T) { // a device takes the rest of the path
	w := newWorld(t)
	device := &ob.Type{ObjectType: winnt.FileObject, Parses: true}
	w.name(`\pipe`, newObject(device, nil))
	p, st := w.ns.Resolve(w.c, ob.Name{Path: `\pipe\a\b`}, nil, &w.self, 1)
	check.That(t, st == ntstatus.Success && p.Rest == `a\b` && p.Object.Head().Type() == device,
		"Resolve = %+v, %v, want %v, rest %q and the device", p, st, ntstatus.Success, `a\b`)
	p.Release()
	_, _, st = w.ns.Open(w.c, ob.Name{Path: `\pipe\a`}, nil, w.self, 1)
	wantStatus(t, "open of a file of the device", st, ntstatus.ObjectTypeMismatch)
}

func TestDirectoryLimitRefusesNewName(t *testing.T) { // O-82
	w := newWorld(t)
	d := ob.NewDirectory(nil, 2)
	w.name(`\small`, d)
	w.mustCreate(`\small\a`, 0)
	v := w.mustCreate(`\small\b`, 0)
	wantStatus(t, "a name too many", check.Status(w.create(`\small\c`, 0)), ntstatus.InsufficientResources)
	got := w.c.Table.Count()
	check.That(t, got == 2, "table has %d handles after a refused create, want 2", got)
	w.c.Close(v)
	w.mustCreate(`\small\c`, 0)
	wantStatus(t, "a second name for one object", d.Insert("x", w.ns.Root(), false), ntstatus.InsufficientResources)
	wantStatus(t, "empty name", d.Insert("", newObject(eventType, nil), false), ntstatus.ObjectNameInvalid)
	wantStatus(t, "backslash", d.Insert(`a\b`, newObject(eventType, nil), false), ntstatus.ObjectNameInvalid)
}

// payer pays from a block.
type payer struct{ *quota.Block }

func (p payer) Payer() quota.Payer { return quota.Payer{Block: p.Block} }

// poor is a payer with a single byte.
var poor = payer{quota.NewBlock(nil, 1, false)}

// TestFailedCreateLeavesNothing checks that a failing constructor, record or charge, and a full or closed handle
// table, leave neither a name nor a handle nor a reference. O-82, O-47, U-64.
func TestFailedCreateLeavesNothing(t *testing.T) {
	w := newWorld(t)
	w.c.Table = ob.NewTable(1)
	fail := func(*ob.Directory) (ob.Object, ntstatus.Status) { return nil, ntstatus.NoMemory }
	for _, path := range []string{"", `\` + strings.Repeat("e", 4000)} {
		_, _, st := w.ns.Create(w.c, ob.Name{Path: path}, eventType, w.self, 1, fail)
		wantStatus(t, "failing constructor", st, ntstatus.NoMemory)
		w.c.Audit = &deaf{fails: true}
		wantStatus(t, "failing record", check.Status(w.create(path, 0)), ntstatus.AuditFailed)
		w.c.Audit, w.c.Pays = nil, poor
		if path != "" { // the name is charged
			wantStatus(t, "no quota", check.Status(w.create(path, 0)), ntstatus.QuotaExceeded)
		}
		rich := payer{quota.NewBlock(nil, 1<<20, false)}
		if w.c.Pays = rich; path == "" {
			w.c.Pays = nil
		}
		v := w.mustCreate(path, 0)
		check.Equal(t, rich.Used() >= 10_000, path != "", "the name of %d bytes is charged", len(path))
		w.c.Pays = nil
		wantStatus(t, "full table", check.Status(w.create(`\other`, 0)), ntstatus.InsufficientResources)
		wantStatus(t, "full table, unnamed", check.Status(w.create(``, 0)), ntstatus.InsufficientResources)
		w.c.Close(v)
	}
	w.name(`\ev`, protected(eventType, ownEvent))
	for range 2 { // the table has room for one handle
		w.c.Audit = &deaf{fails: true}
		_, _, st := w.ns.Open(w.c, ob.Name{Path: `\ev`}, eventType, w.self, 1)
		wantStatus(t, "failing record of an open", st, ntstatus.AuditFailed)
	}
	w.c.Audit = nil
	h := w.ns.Root().Lookup(`ev`, false)
	h.Unname()
	h.Deref(ob.TagCall)
	w.self = subject(t, winnt.SeCreatePermanentPrivilege)
	made := protected(eventType, ownEvent)
	_, _, st := w.ns.Create(w.c, ob.Name{Path: `\ev`, Attributes: winnt.OBJ_PERMANENT}, eventType, w.self, 1,
		func(*ob.Directory) (ob.Object, ntstatus.Status) {
			w.c.Table.Drain() // the process ends during the call
			return made, ntstatus.Success
		})
	wantStatus(t, "table that is drained during the call", st, ntstatus.ProcessIsTerminating)
	check.Equal(t, made.destroyed, 1, "ends of the object without a handle")
	for _, path := range []string{"", `\ev`} {
		wantStatus(t, "drained table", check.Status(w.create(path, 0)), ntstatus.ProcessIsTerminating)
	}
	check.That(t, len(w.ns.Root().Names()) == 0 && w.ns.Root().PointerCount() == 1,
		"after the failure the root has the names %v and %d references, want none and 1", w.ns.Root().Names(),
		w.ns.Root().PointerCount())
}

func TestNamespaceCloseReleasesNamedObjects(t *testing.T) {
	var census ob.Census
	w := newWorld(t)
	w.dir(`\A`, "")
	w.dir(`\A\B`, "")
	e := protected(eventType, ownEvent)
	census.Track(e)
	w.name(`\A\B\ev`, e)
	if got := census.Report(); len(got) != 1 || !strings.HasPrefix(got[0], `Event \A\B\ev: handles 0, references 1`) {
		t.Errorf("report = %q, want one line that starts with %q", got, `Event \A\B\ev: handles 0, references 1`)
	}
	root := w.ns.Root()
	w.ns.Close()
	check.That(t, e.destroyed == 1 && root.PointerCount() == 0 && len(census.Report()) == 0,
		"after Close: event destroyed %d times, root has %d references, report %q, want 1, 0 and none", e.destroyed,
		root.PointerCount(), census.Report())
}

// TestNamesAreConsistentUnderRace creates, opens and closes one name concurrently. Every successful open returns a
// live object that still has its name, because it has a handle. At the end nothing remains (O-44, O-45, O-80).
func TestNamesAreConsistentUnderRace(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	rounds := randtest.Size(3000)
	for worker := range 4 {
		c := &ob.Caller{Table: ob.NewTable(0)}
		wg.Go(func() {
			defer c.Table.Drain()
			for i := range rounds {
				n := ob.Name{Path: `\race`, Attributes: uint32(worker&1) * winnt.OBJ_OPENIF}
				var v winnt.Handle
				var st ntstatus.Status
				if worker < 2 {
					v, _, st = w.ns.Create(c, n, eventType, w.self, 1, newEvent)
				} else {
					v, _, st = w.ns.Open(c, ob.Name{Path: `\race`}, eventType, w.self, 1)
				}
				switch st {
				case ntstatus.Success, ntstatus.ObjectNameExists:
					h, _, _ := c.Table.Lookup(v, ob.TagCall)
					check.Equal(t, h.Path(), `\race`, "round %d: path of the opened object", i)
					h.Deref(ob.TagCall)
					c.Table.Close(v)
				case ntstatus.ObjectNameCollision, ntstatus.ObjectNameNotFound:
					check.That(t, worker != 1, "round %d: %v with OBJ_OPENIF, want success", i, st)
				default:
					t.Errorf("round %d: %v, want success, a collision or not found", i, st)
				}
			}
		})
	}
	wg.Wait()
	check.That(t, len(w.ns.Root().Names()) == 0 && w.ns.Root().PointerCount() == 1,
		"at the end the root has the names %v and %d references, want none and 1", w.ns.Root().Names(),
		w.ns.Root().PointerCount())
}
