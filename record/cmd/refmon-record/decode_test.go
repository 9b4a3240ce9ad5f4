package main

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// readers' buffers have this address, so that the bytes below can contain pointers into them.
const bufferAt = 0x7000

func replyOf(t *testing.T, text string) *reply {
	t.Helper()
	b := check.Must(hex.DecodeString(strings.ReplaceAll(text, " ", "")))
	// A second buffer differs in everything.
	return &reply{Buffers: [][]byte{[]byte("another buffer"), b}, Bases: []uint64{0x100, bufferAt}}
}

const (
	hexSystem = "010100000000000512000000"
	hexWorld  = "010100000000000100000000"
)

// TestClassesAreDecoded checks the decoding of each token information class.
func TestClassesAreDecoded(t *testing.T) {
	groups := "02000000 00000000 2870000000000000 07000000 00000000 3470000000000000 100000c0 00000000" + hexSystem +
		hexWorld
	twoGroups := []token.Group{{SID: system, Attributes: 7}, {SID: world, Attributes: 0xC0000010}}
	list := hex.EncodeToString([]byte(aDescriptor.DACL().Binary()))
	number := func(class winnt.TokenInfoClass) (row struct {
		class winnt.TokenInfoClass
		bytes string
		want  any
	}) {
		row.class, row.bytes, row.want = class, "04030281", uint32(0x81020304)
		return row
	}
	rows := []struct {
		class winnt.TokenInfoClass
		bytes string
		want  any
	}{
		{winnt.TokenUser, "1070000000000000 05000080 00000000" + hexWorld, token.Group{SID: world, Attributes: 0x80000005}},
		{winnt.TokenIntegrityLevel, "1070000000000000 60000000 00000000" + hexSystem,
			token.Group{SID: system, Attributes: 0x60}},
		{winnt.TokenOwner, "0870000000000000" + hexWorld, world},
		{winnt.TokenPrimaryGroup, "0870000000000000" + hexSystem, system},
		{winnt.TokenAppContainerSid, "0870000000000000" + hexSystem, system},
		{winnt.TokenAppContainerSid, "0000000000000000", sid.SID{}},
		{winnt.TokenProcessTrustLevel, "0870000000000000" + hexWorld, world},
		{winnt.TokenDefaultDacl, "0000000000000000", (*sd.ACL)(nil)},
		{winnt.TokenDefaultDacl, "0870000000000000 02000800 01000000", (*sd.ACL)(nil)}, // an entry too many
		{winnt.TokenTypeInfo, "02000000", winnt.TokenImpersonation},
		{winnt.TokenImpersonationLevel, "03000000", winnt.SecurityDelegation},
		{winnt.TokenOrigin, "8877665544332211", winnt.LUID(0x1122334455667788)},
		{winnt.TokenPrivileges, "02000000 8877665544332211 02000000 0900000000000000 01000080", two},
		{winnt.TokenPrivileges, "01000000 8877665544332211 02000000 0900000000000000 01000080", two[:1]},
		{winnt.TokenPrivileges, "00000000 8877665544332211 02000000", []nt.LUIDAndAttributes(nil)},
		{winnt.TokenPrivileges, "03000000 8877665544332211 02000000 0900000000000000 01000080", two}, // cut short
		{winnt.TokenSource, "6162630000000000 8877665544332211",
			token.Source{Name: "abc", ID: 0x1122334455667788}},
		{winnt.TokenSource, "6162636465666768 0100000000000000", token.Source{Name: "abcdefgh", ID: 1}},
		{winnt.TokenStatistics, "0102030405060708 1112131415161718 ffffffffffffff7f 01000000 02000000 03000000 04000000" +
			"05000000 06000000 2122232425262728", nt.TokenStatistics{TokenID: 0x0807060504030201,
			AuthenticationID: 0x1817161514131211, ExpirationTime: 0x7FFFFFFFFFFFFFFF, TokenType: winnt.TokenPrimary,
			ImpersonationLevel: winnt.SecurityImpersonation, DynamicCharged: 3, DynamicAvailable: 4, GroupCount: 5,
			PrivilegeCount: 6, ModifiedID: 0x2827262524232221}},
	}
	for _, class := range []winnt.TokenInfoClass{winnt.TokenGroups, winnt.TokenRestrictedSids, winnt.TokenLogonSid,
		winnt.TokenCapabilities, winnt.TokenDeviceGroups, winnt.TokenRestrictedDeviceGroups} {
		row := number(class)
		row.bytes, row.want = groups, twoGroups
		rows = append(rows, row)
	}
	for _, class := range []winnt.TokenInfoClass{winnt.TokenSessionId, winnt.TokenSandBoxInert, winnt.TokenElevationType,
		winnt.TokenElevation, winnt.TokenHasRestrictions, winnt.TokenVirtualizationAllowed,
		winnt.TokenVirtualizationEnabled, winnt.TokenUIAccess, winnt.TokenMandatoryPolicy, winnt.TokenIsAppContainer,
		winnt.TokenAppContainerNumber, winnt.TokenIsRestricted} {
		rows = append(rows, number(class))
	}
	seen := map[winnt.TokenInfoClass]bool{}
	for _, c := range rows {
		t.Run(c.class.String(), func(t *testing.T) {
			seen[c.class] = true
			got := readers[c.class](replyOf(t, c.bytes), 2)
			check.That(t, reflect.DeepEqual(got, c.want), "%s: got %#v, want %#v", c.class, got, c.want)
		})
	}
	for class := range readers {
		check.That(t, seen[class], "%s has no row", class)
	}
	l, _ := readers[winnt.TokenDefaultDacl](replyOf(t, "0870000000000000"+list), 2).(*sd.ACL)
	check.That(t, l != nil && l.Binary() == aDescriptor.DACL().Binary(), "TokenDefaultDacl: %v", l)
}

// TestPointersStayInsideBuffer checks that pointers are followed only within their own buffer, from its first to its
// last byte.
func TestPointersStayInsideBuffer(t *testing.T) {
	for _, c := range []struct {
		name, bytes string
		offset      int
		want        string
	}{
		{"to the first byte", "0070000000000000 aabb", 0, "0070000000000000aabb"},
		{"to the last byte", "0970000000000000 aabb", 0, "bb"},
		{"past the end", "0a70000000000000 aabb", 0, ""},
		{"before the buffer", "ff6f000000000000 aabb", 0, ""},
		{"NULL", "0000000000000000 aabb", 0, ""},
		{"the last pointer there is", "eeee 0070000000000000", 2, "eeee0070000000000000"},
		{"a truncated pointer", "eeee 0070000000000000", 3, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			check.Equal(t, hex.EncodeToString(replyOf(t, c.bytes).at(2, c.offset)), c.want, "%s: got", c.name)
		})
	}
	// A list is read as far as there are bytes of it.
	for n, want := range map[string]int{"00000000": 0, "01000000": 1, "02000000": 2, "03000000": 2} {
		p := replyOf(t, n+"00000000 0000000000000000 01000000 00000000 0000000000000000 02000000 00000000"+
			"0000000000000000") // half of a third
		got := p.groupList(2)
		check.That(t, len(got) == want, "%s groups where there are bytes of two: %v, want %d", n, got, want)
	}
}

// A size given by the program is passed on; otherwise the machine is queried for it first.
func TestQueryTokenSizes(t *testing.T) {
	const all = 0xFFFFFFFF
	type answer struct {
		st    ntstatus.Status
		need  uint32
		value uint32
	}
	for _, c := range []struct {
		name    string
		length  uint32
		answers []answer
		asked   []int // length and room, in pairs
		want    nt.QueryInformationTokenOut
		st      ntstatus.Status
	}{
		{"a length", 4, []answer{{0, 4, 17}}, []int{4, 8}, nt.QueryInformationTokenOut{TokenInformation: uint32(17),
			ReturnLength: 4}, 0},
		{"a length too small", 3, []answer{{ntstatus.BufferTooSmall, 4, 17}}, []int{3, 8},
			nt.QueryInformationTokenOut{ReturnLength: 4}, ntstatus.BufferTooSmall},
		{"a length past all room", 1 << 30, []answer{{0, 4, 17}}, []int{1 << 30, 1 << 20},
			nt.QueryInformationTokenOut{TokenInformation: uint32(17), ReturnLength: 4}, 0},
		{"the size is queried first", all, []answer{{ntstatus.BufferTooSmall, 12, 0}, {0, 12, 18}}, []int{0, 0, 12, 12},
			nt.QueryInformationTokenOut{TokenInformation: uint32(18), ReturnLength: 12}, 0},
		{"the size of a fixed one", all, []answer{{ntstatus.InfoLengthMismatch, 4, 0}, {0, 4, 18}}, []int{0, 0, 4, 8},
			nt.QueryInformationTokenOut{TokenInformation: uint32(18), ReturnLength: 4}, 0},
		{"it has grown", all, []answer{{ntstatus.BufferTooSmall, 12, 0}, {ntstatus.BufferTooSmall, 16, 0}, {0, 16, 19}},
			[]int{0, 0, 12, 12, 1 << 16, 1 << 16},
			nt.QueryInformationTokenOut{TokenInformation: uint32(19), ReturnLength: 16}, 0},
		{"no size to be had", all, []answer{{ntstatus.InvalidHandle, 0, 0}}, []int{0, 0},
			nt.QueryInformationTokenOut{}, ntstatus.InvalidHandle},
		{"refused with the size at hand", all, []answer{{ntstatus.BufferTooSmall, 12, 0}, {ntstatus.AccessDenied, 0, 5}},
			[]int{0, 0, 12, 12}, nt.QueryInformationTokenOut{}, ntstatus.AccessDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []int
			out, st, err := queryToken(func(r *request) reply {
				a, b := c.answers[0], make([]byte, len(r.Buffers[0]))
				c.answers = c.answers[1:]
				if len(b) >= 4 {
					le.PutUint32(b, a.value)
				}
				if r.Proc != "NtQueryInformationToken" || len(r.Args) != 5 || r.Args[0] != (arg{N: 0x44}) ||
					r.Args[1] != (arg{N: 12}) || r.Args[2].Buffer != 1 || r.Args[4].Buffer != 2 || len(r.Buffers[1]) != 4 {
					t.Errorf("the query calls %s with %v, want NtQueryInformationToken with a buffer of the expected size",
						r.Proc, r.Args)
				}
				asked = append(asked, int(r.Args[3].N), len(b))
				return reply{Return: uint64(a.st), Buffers: [][]byte{b, u32le(nil, a.need)}}
			}, nt.QueryInformationTokenIn{TokenHandle: 0x44, TokenInformationClass: winnt.TokenSessionId,
				TokenInformationLength: c.length})
			if err != nil || st != c.st || out != any(c.want) || !reflect.DeepEqual(asked, c.asked) || len(c.answers) > 0 {
				t.Errorf("%s: got %+v %v %v with sizes %v, want %+v %v with sizes %v",
					c.name, out, st, err, asked, c.want, c.st,
					c.asked)
			}
		})
	}
	missing := func(*request) reply { return reply{Missing: "no such function"} }
	for _, class := range []winnt.TokenInfoClass{winnt.TokenSessionId, winnt.TokenInfoClass(999)} {
		_, _, err := queryToken(missing, nt.QueryInformationTokenIn{TokenInformationClass: class,
			TokenInformationLength: all})
		why := (*skipError)(nil)
		check.That(t, errors.As(err, &why), "%s: %v, want a reason to skip", class, err)
	}
}
