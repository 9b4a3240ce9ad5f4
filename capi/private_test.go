//go:build cgo && linux

package main

import (
	"runtime"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// The creator of a private object is the user of a token that the handle may query, and no reference to the token
// remains.
func TestCreatorKeepsNoReference(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	id := attach()
	defer detach(id)
	c := &call{thread: threadByID(id)}
	open := func(rights winnt.AccessMask) winnt.Handle {
		return check.Result(c.nt.NtOpenProcessToken(winnt.NtCurrentProcess, rights))
	}
	all, other := open(winnt.TOKEN_ALL_ACCESS), open(winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_QUERY)
	count := func() uint32 {
		v := check.Result(c.nt.NtQueryObject(all, nt.ObjectBasicInformation))
		return v.(nt.BasicInformation).PointerCount
	}
	before := count()
	for h, want := range map[winnt.Handle]ntstatus.Status{0: ntstatus.Success, all: ntstatus.Success,
		other: ntstatus.AccessDenied, 0x7770: ntstatus.InvalidHandle} {
		got, st := c.creator(h)
		check.Equal(t, st, want, "creator of handle %#x", h)
		check.Equal(t, got != (*sd.Caller)(nil), h == all, "handle %#x has a creator", h)
		check.Equal(t, count(), before, "references to the token after the creator of handle %#x", h)
	}
	check.Success(t, c.nt.NtClose(all))
	check.Success(t, c.nt.NtClose(other))
}

// The functions of private objects compute, change and copy descriptors of the program's memory. A bad pointer writes
// nothing, and a buffer that is too small gets only the required length.
func TestPrivateObjectFunctionsUseTheirParameters(t *testing.T) {
	c := newCaller(t)
	defer c.leave()
	own, out, n := make([]byte, 8), make([]byte, 8), make([]byte, 4)
	check.Success(t, c.call("NtOpenProcessToken", ^uint64(0), uint64(winnt.TOKEN_ALL_ACCESS), c.bytes(own)))
	text := func(p uint64) string {
		d := check.Result(threadByID(c.id).DescriptorAt(user(p)))
		return check.Must(sddl.Format(d, sddl.Options{}))
	}
	sd := func(text string) uint64 { return c.bytes(sddl.MustParse(text).Binary()) }
	mapping := make([]byte, 16)
	for i, m := range []winnt.AccessMask{winnt.FILE_GENERIC_READ, winnt.FILE_GENERIC_WRITE, winnt.FILE_GENERIC_EXECUTE,
		winnt.FILE_ALL_ACCESS} {
		le.PutUint32(mapping[4*i:], uint32(m))
	}
	const autoInherit, dacl = 1, uint64(winnt.DACL_SECURITY_INFORMATION)
	parent, explicit, change := sd("O:BAG:BAD:(A;OICI;GR;;;BU)"), sd("O:BAG:BAD:(A;;GX;;;WD)"), sd("D:(A;;FW;;;WD)")
	at := c.bytes(mapping)
	assign := []uint64{parent, explicit, c.bytes(out), 0, 0, 0, autoInherit, le.Uint64(own), at}
	set := []uint64{dacl, change, sd("O:BAG:SYD:(A;;FR;;;BU)"), c.bytes(out), at, 0, le.Uint64(own)}
	for _, x := range []struct {
		name     string
		args     []uint64
		at       int // of the parameter that is changed; -1: none
		value    uint64
		status   ntstatus.Status
		want     string
		pointers []int
	}{
		{"RmAssign", assign, -1, 0, 0, "O:BAG:BAD:AI(A;;FX;;;WD)(A;ID;FR;;;BU)", []int{0, 1, 2, 8}},
		{"RmAssign", assign, 5, 1, 0, "O:BAG:BAD:AI(A;;FX;;;WD)(A;ID;FR;;;BU)(A;OICIIOID;GR;;;BU)", nil},
		{"RmAssign", assign, 6, 0, 0, "O:BAG:BAD:(A;;FX;;;WD)", nil},
		{"RmAssign", assign, 0, 0, 0, "O:BAG:BAD:AI(A;;FX;;;WD)", nil},
		{"RmAssign", assign, 7, 0x7770, ntstatus.InvalidHandle, "", nil},
		{"RmSetParts", set, -1, 0, 0, "O:BAG:SYD:(A;;FW;;;WD)", []int{1, 2, 4}},
		{"RmSetParts", set, 5, autoInherit, 0, "O:BAG:SYD:AI(A;;FW;;;WD)", nil},
		{"RmSetParts", set, 1, 0, ntstatus.InvalidSecurityDescr, "", nil},
		{"RmSetParts", set, 2, 0, ntstatus.InvalidSecurityDescr, "", nil},
		{"RmSetParts", set, 6, 0x7770, ntstatus.InvalidHandle, "", nil},
	} {
		for _, p := range x.pointers {
			args := slices.Clone(x.args)
			args[p] = 0x10
			le.PutUint64(out, 0x55)
			check.Equal(t, c.call(x.name, args...), ntstatus.AccessViolation, "%s with a bad parameter %d", x.name, p)
			check.Equal(t, le.Uint64(out), 0x55, "%s with a bad parameter %d wrote", x.name, p)
		}
		args := slices.Clone(x.args)
		if x.at >= 0 {
			args[x.at] = x.value
		}
		check.Equal(t, c.call(x.name, args...), x.status, "%s with parameter %d = %#x", x.name, x.at, x.value)
		if x.status == ntstatus.Success {
			check.Equal(t, text(le.Uint64(out)), x.want, "%s with parameter %d = %#x", x.name, x.at, x.value)
		}
	}
	buffer := make([]byte, 200)
	need := len(sddl.MustParse("D:(A;;GX;;;WD)").Binary())
	for _, room := range []int{0, need - 1, need} { // the last copies the parts
		want := ntstatus.BufferTooSmall
		if room == need {
			want = ntstatus.Success
		}
		clear(buffer)
		check.Equal(t, c.call("RmSelectParts", explicit, dacl, c.bytes(buffer), uint64(room), c.bytes(n)), want,
			"RmSelectParts with room for %d bytes", room)
		check.Equal(t, int(le.Uint32(n)), need, "required length")
		check.Equal(t, buffer[0] != 0, want == ntstatus.Success, "RmSelectParts writes with room for %d bytes", room)
	}
	check.Equal(t, text(c.bytes(buffer)), "D:(A;;GX;;;WD)", "selected parts")
	check.Equal(t, c.call("RmSelectParts", explicit, dacl, c.bytes(buffer), uint64(need), 0x10), ntstatus.AccessViolation,
		"bad pointer for the length")
	check.Equal(t, c.call("RmSelectParts", 0, dacl, 0, 0, c.bytes(n)), ntstatus.InvalidSecurityDescr, "no descriptor")
	check.Success(t, c.call("NtClose", le.Uint64(own)))
}
