//go:build cgo && linux

package main

import (
	"encoding/binary"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// memory has the variables that a caller's pointers refer to. It is global, so that the runtime does not move it.
var memory struct {
	own, client, opened     uint64
	length, granted, access uint32
	mapping                 [4]uint32
	set                     [64]byte
	attributes              [48]byte
	quality                 [12]byte
	descriptor              [512]byte
}

func pointer[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// callNumbers returns the number of each function of the API by its name.
var callNumbers = sync.OnceValue(func() map[string]uint32 {
	numbers := map[string]uint32{}
	for i, r := range calls {
		name := runtime.FuncForPC(reflect.ValueOf(r.answer).Pointer()).Name()
		name = name[strings.LastIndexByte(name, '.')+1:]
		numbers[strings.ToUpper(name[:1])+name[1:]] = uint32(i)
	}
	return numbers
})

// Opening, closing, checking access and impersonating allocate nothing.
func TestCallsAllocateNothing(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	id := attach()
	defer detach(id)
	numbers := callNumbers()
	var all [maxArgs]uint64
	do := func(name string, args ...uint64) {
		copy(all[:], args)
		if st := threadByID(id).enter(&all, numbers[name]); st != 0 {
			t.Helper()
			t.Fatalf("%s: status %#x, want 0", name, st)
		}
	}
	copy(memory.descriptor[:], sddl.MustParse("O:BAG:SYD:(A;;FR;;;S-1-5-21-1-2-3-4)(A;;FA;;;BA)").Binary())
	memory.mapping = [4]uint32{uint32(winnt.FILE_GENERIC_READ), uint32(winnt.FILE_GENERIC_WRITE),
		uint32(winnt.FILE_GENERIC_EXECUTE), uint32(winnt.FILE_ALL_ACCESS)}
	binary.LittleEndian.PutUint32(memory.quality[:], 12)
	memory.quality[4] = byte(winnt.SecurityImpersonation)
	binary.LittleEndian.PutUint32(memory.attributes[:], 48)
	binary.LittleEndian.PutUint64(memory.attributes[40:], pointer(&memory.quality))
	const process, self = ^uint64(0), ^uint64(1)
	do("NtOpenProcessToken", process, uint64(winnt.TOKEN_ALL_ACCESS), pointer(&memory.own))
	do("NtDuplicateToken", memory.own, uint64(winnt.TOKEN_ALL_ACCESS), pointer(&memory.attributes), 0,
		uint64(winnt.TokenImpersonation), pointer(&memory.client))
	impersonate := func() {
		do("NtSetInformationThread", self, uint64(nt.ThreadImpersonationToken), pointer(&memory.client), 8)
	}
	impersonate()
	for _, c := range []struct {
		what string
		f    func()
	}{
		{"open and close", func() {
			do("NtOpenThreadToken", self, uint64(winnt.TOKEN_QUERY), 1, pointer(&memory.opened))
			do("NtClose", memory.opened)
		}},
		{"access check", func() {
			memory.length = uint32(len(memory.set))
			do("NtAccessCheck", pointer(&memory.descriptor), memory.client, 1, pointer(&memory.mapping), pointer(&memory.set),
				pointer(&memory.length), pointer(&memory.granted), pointer(&memory.access))
			if memory.granted != 1 || memory.access != 0 { // check.That would allocate
				t.Fatalf("NtAccessCheck: granted %#x, status %#x; want %#x, %#x", memory.granted, memory.access, 1, 0)
			}
		}},
		{"impersonate", impersonate},
	} {
		if n := testing.AllocsPerRun(100, c.f); n != 0 {
			t.Errorf("%s: %v allocations, want 0", c.what, n)
		}
	}
}

// A routine that calls the program back continues with its own parameters and its caller's frames after the program
// made another call.
func TestNestedCallRestoresOuterCall(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	id := attach()
	defer detach(id)
	th := threadByID(id)
	const outer, inner, outerTop, innerTop = 0, 1, uintptr(0x7000), uintptr(0x6000)
	kept := [2]row{calls[outer], calls[inner]}
	defer func() { calls[outer], calls[inner] = kept[0], kept[1] }()
	frames := func() [2]uintptr {
		low, high := th.Frames(0, 0)
		th.Frames(low, high)
		return [2]uintptr{low, high}
	}
	var first, second [maxArgs]uint64
	first[0], second[0] = 11, 22
	at := func(a *[maxArgs]uint64, top uintptr) [2]uintptr { return [2]uintptr{uintptr(unsafe.Pointer(a)), top} }
	calls[inner] = row{answer: func(c *call) uint64 {
		check.That(t, c.args[0] == 22 && c.ms, "parameters of the inner call: %v, %t", c.args[0], c.ms)
		check.Equal(t, frames(), at(&second, innerTop), "frames of the inner call")
		return 2
	}}
	calls[outer] = row{answer: func(c *call) uint64 {
		check.Equal(t, th.enterFrom(&second, inner|msFace, innerTop), 2, "result of the inner call")
		check.That(t, c.args[0] == 11 && !c.ms, "parameters after the inner call: %v, %t", c.args[0], c.ms)
		check.Equal(t, frames(), at(&first, outerTop), "frames after the inner call")
		return 1
	}}
	check.Equal(t, th.enterFrom(&first, outer, outerTop), 1, "result of the outer call")
	check.Equal(t, frames(), [2]uintptr{}, "frames after both calls")
}
