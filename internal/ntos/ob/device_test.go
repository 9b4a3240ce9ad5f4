package ob_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// An open of a device creates a file that keeps no reference of the call. If the device refuses, its status is
// returned and nothing remains (T-140).
func TestDeviceOpenKeepsNoReference(t *testing.T) {
	refuse := ntstatus.Success
	var made *object
	device := &ob.Type{ObjectType: winnt.FileObject, Parses: true, OpensAs: fileType}
	device.Opens = func(_ ob.Object, rest string) (ob.Object, ntstatus.Status) {
		if refuse != ntstatus.Success {
			return nil, refuse
		}
		made = protected(fileType, "O:SYG:SYD:(A;;GA;;;WD)")
		made.SetPath(`\dev ` + rest)
		return made, ntstatus.Success
	}
	w := newWorld(t)
	dev := newObject(device, nil)
	w.name(`\dev`, dev)
	before := dev.PointerCount()
	for _, c := range []struct {
		path, name string
		typ        *ob.Type
		refuse, st ntstatus.Status
	}{
		{`\dev`, `\dev `, fileType, 0, 0}, {`\dev\a\b`, `\dev a\b`, fileType, 0, 0}, {`\dev\a`, `\dev a`, nil, 0, 0},
		{`\dev\a`, "", eventType, 0, ntstatus.ObjectPathNotFound}, {`\dev`, "", eventType, 0, ntstatus.ObjectTypeMismatch},
		{`\dev\a`, "", fileType, ntstatus.ObjectNameNotFound, ntstatus.ObjectNameNotFound},
	} {
		refuse = c.refuse
		v, _, st := w.ns.Open(w.c, ob.Name{Path: c.path}, c.typ, w.self, winnt.FILE_READ_DATA)
		check.That(t, st == c.st && (v == 0) == (st != 0),
			"T-140: opening %s: %v, handle %#x, want %v", c.path, st, int64(v), c.st)
		if v != 0 {
			h, _, _ := w.c.Table.Lookup(v, ob.TagCall)
			h.Deref(ob.TagCall)
			check.That(t, h.Path() == c.name && h.PointerCount() == 1,
				"T-140: %s: path %q with %d references, want %q, 1", c.path, h.Path(), h.PointerCount(), c.name)
			wantStatus(t, "close", w.c.Close(v), ntstatus.Success)
		}
		n := dev.PointerCount()
		check.That(t, n == before, "T-140: %s: %d more references to the device, want 0", c.path, n-before)
	}
	p, st := w.ns.Resolve(w.c, ob.Name{Path: `\dev`, Below: `\`}, fileType, &w.self, 0)
	check.That(t, st == ntstatus.Success && p.Rest == `\`, "rest of a name for the device: %q, %v", p.Rest, st)
	p.Release()
	refuse, w.c.Pays = 0, poor
	_, _, st = w.ns.Open(w.c, ob.Name{Path: `\dev`}, fileType, w.self, winnt.FILE_READ_DATA)
	check.That(t, st == ntstatus.QuotaExceeded && made.destroyed == 1 && dev.PointerCount() == before,
		"an open without quota: %v, %d ends of the file, %d references to the device, want %v, 1, %d", st, made.destroyed,
		dev.PointerCount(), ntstatus.QuotaExceeded, before)
}
