//go:build linux

package marshal

import (
	"math/rand/v2"
	"reflect"
	"runtime"
	"runtime/metrics"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// arena is where the inputs of the fuzz target lie, so that their bytes can be
// pointers to themselves: two pages that can be written, and one that cannot be
// touched.
const (
	arena     = 0x5 << (28 + 4*(^uintptr(0)>>63)) // below the end of the memory of 32 bits where there are no more
	arenaSize = 2 * page
)

// mapArena makes the pages, once.
func mapArena(t testing.TB) {
	t.Helper()
	const fixed = 0x100000 // MAP_FIXED_NOREPLACE
	_, _, errno := syscall.Syscall6(syscall.SYS_MMAP, arena, arenaSize+page, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|fixed, ^uintptr(0), 0)
	if errno != 0 && errno != syscall.EEXIST {
		t.Skipf("no memory at %#x: %v", arena, errno)
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_MPROTECT, arena+arenaSize, page, syscall.PROT_NONE); errno != 0 {
		t.Fatal(errno)
	}
}

// fill puts an input into the arena and zeros behind it.
func fill(t testing.TB, input []byte) {
	var m Memory
	b := make([]byte, arenaSize)
	copy(b, input)
	check.Require(t, m.Write(arena, b), ntstatus.Success, "the arena cannot be written")
}

// captures are the structures that a caller passes, by name.
var captures = map[string]func(m *Memory, p Address) ntstatus.Status{
	"sid":               func(m *Memory, p Address) ntstatus.Status { _, st := m.SIDAt(p); return st },
	"acl":               func(m *Memory, p Address) ntstatus.Status { _, st := m.ACLAt(p); return st },
	"descriptor":        func(m *Memory, p Address) ntstatus.Status { _, st := m.DescriptorAt(p); return st },
	"string":            func(m *Memory, p Address) ntstatus.Status { _, st := m.StringAt(p); return st },
	"terminated":        func(m *Memory, p Address) ntstatus.Status { _, st := m.ZeroTerminatedAt(p); return st },
	"quality":           func(m *Memory, p Address) ntstatus.Status { _, st := m.QualityAt(p); return st },
	"object attributes": func(m *Memory, p Address) ntstatus.Status { _, st := m.AttributesAt(p); return st },
	"groups":            func(m *Memory, p Address) ntstatus.Status { _, st := m.GroupsAt(p); return st },
	"privileges":        func(m *Memory, p Address) ntstatus.Status { _, st := m.PrivilegesAt(p); return st },
	"mapping":           func(m *Memory, p Address) ntstatus.Status { _, st := m.MappingAt(p); return st },
	"object types":      func(m *Memory, p Address) ntstatus.Status { _, st := m.ObjectTypesAt(p, 4096); return st },
	"token attributes":  func(m *Memory, p Address) ntstatus.Status { _, st := m.TokenAttributesAt(p); return st },
	"claims":            func(m *Memory, p Address) ntstatus.Status { _, st := m.ClaimsAt(p); return st },
	"privilege set":     func(m *Memory, p Address) ntstatus.Status { _, st := m.PrivilegeSetAt(p); return st },
	"policy":            func(m *Memory, p Address) ntstatus.Status { _, st := m.PolicyAt(p); return st },
	"client id":         func(m *Memory, p Address) ntstatus.Status { _, st := m.ClientIDAt(p); return st },
	"GUID":              func(m *Memory, p Address) ntstatus.Status { _, st := m.GUIDAt(p); return st },
	"user":              func(m *Memory, p Address) ntstatus.Status { _, st := m.UserAt(p); return st },
	"names":             func(m *Memory, p Address) ntstatus.Status { _, st := m.NamesAt(p, 1<<16); return st },
}

// Bounds of one capture.
const (
	mostBytes = 64 << 20
	mostTime  = 2 * time.Second // of the processor, on a slow and busy machine
)

func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// cpu is the time that the process has spent.
func cpu(t testing.TB) time.Duration {
	var u syscall.Rusage
	check.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// captureAll captures each structure at each of a few places of an input.
func captureAll(t testing.TB, input []byte) {
	fill(t, input)
	for name, capture := range captures {
		for _, at := range []Address{arena, arena + 16, arena + 8 + 2, arena + arenaSize - 24} {
			var m Memory
			bytes, start := allocated(), cpu(t)
			capture(&m, at)
			if n := allocated() - bytes; n > mostBytes {
				t.Errorf("%s at %#x took %d bytes of memory, want at most %d", name, at, n, mostBytes)
			}
			if d := cpu(t) - start; d > mostTime {
				t.Errorf("%s at %#x took %v, want at most %v", name, at, d, mostTime)
			}
		}
	}
}

// words makes an input of little-endian words of 8 bytes.
func words(list ...uint64) (b []byte) {
	for _, w := range list {
		b = le.AppendUint64(b, w)
	}
	return b
}

// seeds are inputs with the reason for each.
func seeds() map[string][]byte {
	count := uint64(1) << 32 // the upper half of a list's first word
	return map[string][]byte{
		"nothing":                                nil,
		"a SID with 15 sub-authorities":          {1, 15, 0, 0, 0, 0, 0, 5},
		"a SID with 16":                          {1, 16, 0, 0, 0, 0, 0, 5},
		"a list as long as can be":               {2, 0, 0xff, 0xff, 0xff, 0xff},
		"a list of no size":                      {2, 0, 0, 0},
		"groups that name themselves":            words(0xffffffff, arena, 7, arena, 7),
		"privileges without end":                 words(0xffffffff),
		"an absolute descriptor in itself":       words(0x00148001, arena, arena, arena, arena),
		"a relative descriptor beyond its end":   words(0x80040001, 0xfffffff0<<32|0xfffffff0, 0xfffffff0<<32|0xfffffff0),
		"object attributes that name themselves": words(48, 0, arena, 0, arena, arena),
		"a string in the page that is not there": words(0xffff, arena+arenaSize),
		"as many claims as fit, one text": append(words(1|32767*count, arena+64),
			words(0, 0, 0, 0, 0, 0, arena+arenaSize-32, 3, 1<<17, arena)...),
		"one claim, whose values are one text": append(words(1|1*count, arena+16),
			words(arena+256, 3, 1<<17, arena+512)...),
		"attributes that name their own text": append(words(1|20000*count, arena+16),
			words(0x00400040, arena, 3, 100000, arena)...),
	}
}

// Time and memory of a capture are bounded for any input.
func FuzzCapture(f *testing.F) {
	mapArena(f)
	for _, b := range seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, input []byte) { captureAll(t, input) })
}

// The same for inputs drawn from words that matter: counts, sizes, and addresses
// inside the arena, at its end and outside.
func TestCaptureIsBounded(t *testing.T) {
	mapArena(t)
	random := rand.New(rand.NewPCG(1, 2))
	choices := []uint64{0, 1, 2, 3, 5, 6, 12, 16, 48, 0xff, 0xffff, 0xfffff, 0xffffffff, 1 << 32,
		0xffffffff << 32, ^uint64(0),
		0x8004_0001, 0x14_8001, arena, arena + 8, arena + 64, arena + arenaSize - 8, arena + arenaSize, 0x7eadbee0}
	for range 40 {
		var list []uint64
		for range 1 + random.IntN(120) {
			w := choices[random.IntN(len(choices))]
			if random.IntN(4) == 0 {
				w = w<<32 | choices[random.IntN(len(choices))]&0xffffffff
			}
			list = append(list, w)
		}
		captureAll(t, words(list...))
	}
}

// Text that is named over and over counts each time.
func TestClaimTextIsBounded(t *testing.T) {
	const values, units = 1 << 16, 1 << 17
	b := make([]byte, 64+8*values+2*units)
	at := uint64(uintptr(unsafe.Pointer(&b[0])))
	text := at + 64 + 8*values
	copy(b, words(1|1<<32, at+16, text+2*units-2, 3, values, at+64)) // one claim, without a name
	for i := range values {
		le.PutUint64(b[64+8*i:], text)
	}
	for i := range units - 1 {
		b[64+8*values+2*i] = 'a'
	}
	var m Memory
	bytes := allocated()
	_, st := m.ClaimsAt(Address(at))
	runtime.KeepAlive(b)
	if st != ntstatus.InsufficientResources || allocated()-bytes > mostBytes {
		t.Errorf("65,536 values that name one text of 256 KB: %v, %d bytes, want STATUS_INSUFFICIENT_RESOURCES",
			st, allocated()-bytes)
	}
}

// Testing a page changes nothing, and returns whether it is readable and writable.
func TestPageAccessIsTested(t *testing.T) {
	mapArena(t)
	fill(t, []byte{1, 2, 3, 4, 5, 6, 7, 8})
	check.That(t, canRead(arena) && canWrite(arena), "the arena can not be read and written, want both")
	check.That(t, !canRead(arena+arenaSize) && !canWrite(arena+arenaSize),
		"a page without access can be read or written, want neither")
	var m Memory
	b := make([]byte, 8)
	if st := m.Read(b, arena); st != ntstatus.Success || string(b) != "\x01\x02\x03\x04\x05\x06\x07\x08" {
		t.Errorf("%v, %x, want %v, 0102030405060708", st, b, ntstatus.Success)
	}
	check.Equal(t, check.Status(m.TextAt(arena+arenaSize-2, 3)), ntstatus.Success,
		"3 bytes of text, of which the last is beyond the arena")
	if _, _, errno := syscall.Syscall(syscall.SYS_MPROTECT, arena, page, syscall.PROT_READ); errno != 0 {
		t.Fatal(errno)
	}
	if !canRead(arena) || canWrite(arena) {
		t.Errorf("a page for reading: read %t, write %t, want true and false", canRead(arena), canWrite(arena))
	}
	if st := m.Write(arena, b); st != ntstatus.AccessViolation { // found readable before, never writable
		t.Errorf("written: %v, want %v", st, ntstatus.AccessViolation)
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_MPROTECT, arena, page,
		syscall.PROT_READ|syscall.PROT_WRITE); errno != 0 {
		t.Fatal(errno)
	}
}

// Two expected pages are tested with one call, with the same result as separately.
func TestTwoPageProbeEqualsSeparateProbes(t *testing.T) {
	mapArena(t)
	const good, other, bad = Address(arena), Address(arena + page), Address(arena + arenaSize)
	const system = ^Address(0) &^ (1<<(31+16*(^uintptr(0)>>63)) - 1) // the system's half of the memory
	for _, c := range []struct {
		expected, read Address
		st, later      ntstatus.Status
		known          bool
	}{
		{expected: other, read: good, known: inPairs},
		{expected: bad, read: good, later: ntstatus.AccessViolation},
		{expected: good, read: bad, st: ntstatus.AccessViolation},
		{expected: bad, read: bad, st: ntstatus.AccessViolation, later: ntstatus.AccessViolation},
		{expected: good, read: good, known: true},
		{expected: 0, read: good, later: ntstatus.AccessViolation},
		{expected: system, read: good, later: ntstatus.AccessViolation},
	} {
		var m Memory
		m.Expect(c.expected)
		check.Equal(t, check.Status(m.ReadU32(c.read)), c.st, "%#x with %#x", c.read, c.expected)
		check.Equal(t, m.readable.has(uintptr(c.expected)) && c.expected != 0, c.known,
			"read at %#x, expected %#x: the page is known", c.read, c.expected)
		check.Equal(t, check.Status(m.ReadU32(c.expected)), c.later, "%#x after %#x", c.expected, c.read)
	}
	if runtime.GOARCH == "amd64" && !inPairs {
		t.Log("this system does not answer for two pages at once")
	}
}

// Each field of a structure is read at the offset that winnt.h gives it in a 64-bit program.
func TestFieldsHaveTheirOffsets(t *testing.T) {
	l := newLayout(t)
	var m Memory
	groups := l.words(2, l.sid(alice), 0x7, l.sid(staff), 0x10)
	wantGroups := []token.Group{{SID: alice, Attributes: 7}, {SID: staff, Attributes: 0x10}}
	matches(t, "TOKEN_GROUPS", wantGroups)(m.GroupsAt(groups))
	privileges := l.words(2|19<<32, 2<<32, 3|5<<32, 0x8000_0000) // count, then LUID and attributes, 12 bytes each
	wantPrivileges := []nt.LUIDAndAttributes{{LUID: 19, Attributes: 2}, {LUID: 3 | 5<<32, Attributes: 0x8000_0000}}
	matches(t, "TOKEN_PRIVILEGES", wantPrivileges)(m.PrivilegesAt(privileges))
	matches(t, "a list of no groups, unlike NULL", []token.Group{})(m.GroupsAt(l.words(0)))
	matches(t, "a list of no privileges, unlike NULL", []nt.LUIDAndAttributes{})(m.PrivilegesAt(l.words(0)))
	set := l.words(2|1<<32, 20, 2|21<<32, 3<<32)
	matches(t, "PRIVILEGE_SET", &nt.PrivilegeSet{Control: 1,
		Privilege: []nt.LUIDAndAttributes{{LUID: 20, Attributes: 2}, {LUID: 21, Attributes: 3}}})(m.PrivilegeSetAt(set))
	matches(t, "TOKEN_USER", &token.Group{SID: alice, Attributes: 4})(m.UserAt(l.words(l.sid(alice), 4)))
	matches(t, "GENERIC_MAPPING", winnt.GenericMapping{Read: 1, Write: 2, Execute: 4, All: 8})(
		m.MappingAt(l.words(1|2<<32, 4|8<<32)))
	quality := l.words(12|2<<32, 0x80)
	dynamic := &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation, ContextTrackingMode: true}
	matches(t, "SECURITY_QUALITY_OF_SERVICE", dynamic)(m.QualityAt(quality))
	matches(t, "with EffectiveOnly", &nt.SecurityQualityOfService{EffectiveOnly: true})(m.QualityAt(l.words(12, 0x80<<8)))
	matches(t, "CLIENT_ID", &nt.ClientID{UniqueProcess: 8, UniqueThread: 12})(m.ClientIDAt(l.words(8, 12)))
	matches(t, "handles", []winnt.Handle{4, -2})(m.HandlesFrom(l.words(4, ^uint64(1)), 2))
	matches(t, "TOKEN_SOURCE", &token.Source{Name: "User32", ID: 7})(
		m.SourceAt(l.put(append([]byte("User32 \x00"), words(7)...))))
	limits := l.words(0xF, 0x44, uint64(groups), uint64(privileges), uint64(l.words(1, l.sid(staff), 0)))
	matches(t, "JOBOBJECT_SECURITY_LIMIT_INFORMATION", &nt.JobSecurityLimitInformation{SecurityLimitFlags: 0xF,
		JobToken: 0x44, SidsToDisable: wantGroups, PrivilegesToDelete: wantPrivileges,
		RestrictedSids: []token.Group{{SID: staff}}})(m.JobLimitsAt(limits))
	for _, w := range [][]uint64{{0, 0, 0x1000, 0, 0}, {0, 0, 0, 0x1000, 0}, {0, 0, 0, 0, 0x1000}} {
		check.Equal(t, check.Status(m.JobLimitsAt(l.words(w...))), ntstatus.AccessViolation, "limits %#x", w)
	}
	guid := winnt.GUID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	at := uint64(l.put(guid[:]))
	matches(t, "OBJECT_TYPE_LIST", []access.ObjectTypeEntry{{Level: 0, GUID: guid}, {Level: 3, GUID: guid}})(
		m.ObjectTypesAt(l.words(0, at, 3, at), 2))
	matches(t, "pointers to GUIDs", []winnt.GUID{guid, guid})(m.GUIDsAt(l.words(at, 0, at), 3))
	head, name := l.counted("päth")
	text, _ := l.text("päth")
	matches(t, "UNICODE_STRING", "päth")(m.StringAt(l.words(head, name)))
	matches(t, "three of them", []string{"päth", "", "päth"})(m.NamesAt(l.words(head, name, 0, 0, head, name), 3))
	matches(t, "text with a terminator", "päth")(m.ZeroTerminatedAt(Address(text)))
	for room, want := range map[int]ntstatus.Status{4: ntstatus.InvalidParameter, 5: ntstatus.Success} {
		_, n, st := m.zeroTerminated(Address(text), room)
		check.Equal(t, st, want, "4 units and a terminator in room for %d", room)
		check.Equal(t, n, 4, "units that were read in room for %d", room)
	}
	d := sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")
	oa := l.words(48, 0x10, uint64(l.words(head, name)), 0x40, uint64(l.put(d.Binary())), uint64(quality))
	got, st := m.AttributesAt(oa)
	if st != ntstatus.Success || got.RootDirectory != 0x10 || got.ObjectName != "päth" || got.Attributes != 0x40 ||
		got.Unnamed || !got.SecurityDescriptor.Equal(d) || *got.SecurityQualityOfService != *dynamic {
		t.Errorf("OBJECT_ATTRIBUTES: %+v, %v, want the attributes that were written", got, st)
	}
	unnamed, st := m.AttributesAt(l.words(48, 0, 0, 0, 0, 0))
	if want := (&nt.ObjectAttributes{Unnamed: true}); st != ntstatus.Success || !reflect.DeepEqual(unnamed, want) {
		t.Errorf("OBJECT_ATTRIBUTES without a name: %+v, %v, want %+v, %v", unnamed, st, want, ntstatus.Success)
	}
}

// Arrays and structures begin at a multiple of 4, SIDs anywhere (O-3).
func TestMisalignedInputIsRefused(t *testing.T) {
	l := newLayout(t)
	var m Memory
	list := l.words(1, l.sid(alice), 7, 0, 0)
	for name, read := range map[string]func(p Address) ntstatus.Status{
		"groups":            func(p Address) ntstatus.Status { return check.Status(m.GroupsFrom(p+8, 1)) },
		"privileges":        func(p Address) ntstatus.Status { return check.Status(m.PrivilegesFrom(p, 1)) },
		"handles":           func(p Address) ntstatus.Status { return check.Status(m.HandlesFrom(p, 1)) },
		"mapping":           func(p Address) ntstatus.Status { return check.Status(m.MappingAt(p)) },
		"object attributes": func(p Address) ntstatus.Status { return check.Status(m.AttributesAt(p)) },
		"object types":      func(p Address) ntstatus.Status { return check.Status(m.ObjectTypesAt(p, 1)) },
		"job limits":        func(p Address) ntstatus.Status { return check.Status(m.JobLimitsAt(p)) },
		"port message":      func(p Address) ntstatus.Status { return check.Status(m.PortMessageAt(p)) },
		"token attributes":  func(p Address) ntstatus.Status { return check.Status(m.TokenAttributesAt(p)) },
	} {
		for at := range Address(5) {
			b := append(make([]byte, at), l.b[list-l.base():list-l.base()+48]...)
			refused := read(l.put(b)+at) == ntstatus.DatatypeMisalignment
			check.Equal(t, refused, at%4 != 0, "O-3: %s at an address 8n + %d: misaligned", name, at)
		}
		check.Equal(t, read(1), ntstatus.DatatypeMisalignment, "O-3: %s, misaligned and unreadable", name)
	}
	text := append([]byte{0}, alice.Binary()...)
	check.Equal(t, check.Status(m.SIDAt(l.put(text)+1)), ntstatus.Success, "O-3: a SID at an odd address")
}

// A list that is too long is refused. An unreadable one is reported as such, whatever its length.
func TestTooLongListIsRefused(t *testing.T) {
	var m Memory
	long := make([]byte, 16*maxListed)
	defer runtime.KeepAlive(long)
	for at, want := range map[Address]ntstatus.Status{8: ntstatus.AccessViolation,
		Address(unsafe.Pointer(&long[0])): ntstatus.InsufficientResources} {
		check.Equal(t, check.Status(m.GroupsFrom(at, maxListed+1)), want, "too many groups at %#x", at)
		check.Equal(t, check.Status(m.PrivilegesFrom(at, maxListed+1)), want, "too many privileges at %#x", at)
	}
}

// A structure with a wrong size, version, level or count is refused.
func TestMalformedStructureIsRefused(t *testing.T) {
	l := newLayout(t)
	var m Memory
	list := l.words(1, l.sid(alice))
	for name, c := range map[string]struct {
		st   func() ntstatus.Status
		want ntstatus.Status
	}{
		"GUIDs": {func() ntstatus.Status { _, st := m.GUIDsAt(l.words(0, 0), MaxObjectTypes+1); return st },
			ntstatus.InvalidParameter},
		"object types without a list": {func() ntstatus.Status { _, st := m.ObjectTypesAt(0, 1); return st },
			ntstatus.InvalidParameter},
		"object type without a GUID": {func() ntstatus.Status { _, st := m.ObjectTypesAt(l.words(0, 0), 1); return st },
			ntstatus.InvalidParameter},
		"reserved word of an object type": {func() ntstatus.Status {
			_, st := m.ObjectTypesAt(l.words(1<<16, uint64(list)), 1)
			return st
		}, ntstatus.InvalidParameter},
		"quality of 13 bytes": {func() ntstatus.Status { _, st := m.QualityAt(l.words(13, 0)); return st },
			ntstatus.InvalidParameter},
		"level 4": {func() ntstatus.Status { _, st := m.QualityAt(l.words(12|4<<32, 0)); return st },
			ntstatus.InvalidParameter},
		"attributes of 40 bytes": {func() ntstatus.Status { _, st := m.AttributesAt(l.words(40, 0, 0, 0, 0, 0)); return st },
			ntstatus.InvalidParameter},
		"quality before an unreadable name": {func() ntstatus.Status {
			return check.Status(m.AttributesAt(l.words(48, 0, 0x1000, 0, 0x1000, uint64(l.words(13, 0)))))
		}, ntstatus.InvalidParameter},
		"name before an unreadable descriptor": {func() ntstatus.Status {
			return check.Status(m.AttributesAt(l.words(48, 0, uint64(l.words(3, uint64(list))), 0, 0x1000, 0)))
		}, ntstatus.ObjectNameInvalid},
		"half a unit": {func() ntstatus.Status { _, st := m.StringAt(l.words(3, uint64(list))); return st },
			ntstatus.ObjectNameInvalid},
		"SACL before an unreadable DACL": {func() ntstatus.Status {
			sacl := l.words(2|16<<16|1<<32, 0) // an entry of no bytes
			return check.Status(m.DescriptorAt(l.words(1|0x14<<16, 0, 0, uint64(sacl), 0x1000)))
		}, ntstatus.InvalidACL},
		"descriptor of revision 2": {func() ntstatus.Status {
			return check.Status(m.DescriptorAt(l.words(2, 0, 0, 0, 0)))
		}, ntstatus.UnknownRevision},
		"group without a readable SID": {func() ntstatus.Status { return check.Status(m.GroupsFrom(l.words(0x1000, 7), 1)) },
			ntstatus.AccessViolation},
		"ACL of revision 9": {func() ntstatus.Status { return check.Status(m.ACLAt(l.words(9 | 8<<16))) },
			ntstatus.InvalidACL},
		"ACL of 7 bytes": {func() ntstatus.Status { return check.Status(m.ACLAt(l.words(2 | 7<<16))) },
			ntstatus.InvalidACL},
		"attributes of version 2": {func() ntstatus.Status { _, st := m.TokenAttributesAt(l.words(2, 0)); return st },
			ntstatus.InvalidParameter},
		"claims of version 2": {func() ntstatus.Status { _, st := m.ClaimsAt(l.words(2, 0)); return st },
			ntstatus.InvalidParameter},
		"a message shorter than its data": {func() ntstatus.Status {
			_, st := m.PortMessageAt(l.words(8|47<<16, 0, 0, 0, 0, 0))
			return st
		}, ntstatus.InvalidParameter},
	} {
		check.Equal(t, c.st(), c.want, "%s", name)
	}
}

// NULL for an optional argument is nothing, and not an error.
func TestOptionalNULLIsAccepted(t *testing.T) {
	var m Memory
	id, idSt := m.ClientIDAt(0)
	guid, guidSt := m.GUIDAt(0)
	policy, policySt := m.PolicyAt(0)
	list, listSt := m.TokenAttributesAt(0)
	check.That(t, id == nil && guid == nil && policy == nil && list == nil,
		"a client %v, a GUID %v, a policy %v, attributes %v, want nil, nil, nil, nil", id, guid, policy, list)
	for name, st := range map[string]ntstatus.Status{"client": idSt, "GUID": guidSt, "policy": policySt,
		"attributes": listSt, "groups": check.Status(m.GroupsAt(0)), "privileges": check.Status(m.PrivilegesAt(0)),
		"claims": check.Status(m.ClaimsAt(0)), "quality": check.Status(m.QualityAt(0)),
		"text":              check.Status(m.StringAt(0)),
		"object attributes": check.Status(m.AttributesAt(0)), "descriptor": check.Status(m.DescriptorAt(0)),
		"ACL": check.Status(m.ACLAt(0)), "SID": check.Status(m.OptionalSIDAt(0)), "owner": check.Status(m.OwnerAt(0)),
		"DACL": check.Status(m.DefaultDACLAt(0)), "privilege set": check.Status(m.PrivilegeSetAt(0))} {
		check.Equal(t, st, ntstatus.Success, "%s", name)
	}
}
