package ob_test

import (
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// signal is an object: it embeds a Header. signalType describes its type.
type signal struct{ ob.Header }

var signalType = &ob.Type{
	ObjectType:   winnt.EventObject,
	OnLastHandle: func(o ob.Object) { fmt.Println("last handle closed") },
	OnDestroy:    func(o ob.Object) { fmt.Println("destroyed") },
}

// Create and open a name; the handle has the granted rights.
func ExampleNamespace() {
	tok, _ := token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1107")))
	subject := access.SubjectOf(tok)
	ns := ob.NewNamespace(ob.NewDirectory(nil, 0))
	c := &ob.Caller{Table: ob.NewTable(0), Kernel: ob.NewKernelTable(0)}

	owner, _, st := ns.Create(c, ob.Name{Path: `\ready`}, signalType, subject, winnt.EVENT_ALL_ACCESS,
		func(*ob.Directory) (ob.Object, ntstatus.Status) {
			f := &signal{}
			f.Init(signalType, f, sddl.MustParse("O:SYG:SYD:(A;;GR;;;WD)"))
			return f, ntstatus.Success
		})
	fmt.Println(owner, st)

	h, granted, st := ns.Open(c, ob.Name{Path: `\ready`}, signalType, subject, winnt.GENERIC_READ)
	fmt.Println(h, granted, st)
	_, _, st = ns.Open(c, ob.Name{Path: `\ready`}, signalType, subject, winnt.EVENT_MODIFY_STATE)
	fmt.Println(st)

	f, _, st := ob.Reference[*signal](c, h, winnt.EVENT_QUERY_STATE, signalType)
	fmt.Println(f.Path(), st)
	f.Deref(ob.TagCall)

	c.Close(owner)
	c.Close(h)
	// Output:
	// 0x4 STATUS_SUCCESS
	// 0x8 0x20001 STATUS_SUCCESS
	// STATUS_ACCESS_DENIED
	// \ready STATUS_SUCCESS
	// last handle closed
	// destroyed
}
