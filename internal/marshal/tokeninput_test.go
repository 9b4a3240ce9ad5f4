//go:build linux

package marshal

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A default DACL and a list of attributes survive encoding.
func TestTokenInputSurvivesEncoding(t *testing.T) {
	l := newLayout(t)
	var m Memory
	a := check.Must(sd.NewACE(sd.AccessAllowed, 0, 7, sid.Everyone, sd.ACEExtra{}))
	list := check.Must(sd.NewACL(a, a))
	for name, want := range map[string]*sd.ACL{"a DACL": list, "none": nil} {
		e := Encoder{Base: l.base()}
		l.used = 0
		e.TokenInformation(winnt.TokenDefaultDacl, want)
		got, st := m.DefaultDACLAt(l.put(e.Bytes))
		if st != ntstatus.Success || (got == nil) != (want == nil) || got != nil && got.Binary() != want.Binary() {
			t.Errorf("%s: %v, %v, want %v", name, got, st, want)
		}
	}
	attributes := []claims.Attribute{{Name: "a", Type: claims.Int64, Ints: []int64{1, -2}},
		{Name: "b", Type: claims.String, Flags: 2, Strings: []string{"x", ""}}}
	for class, read := range map[winnt.TokenInfoClass]func(Address) ([]claims.Attribute, ntstatus.Status){
		winnt.TokenSecurityAttributes: m.TokenAttributesAt, winnt.TokenSingletonAttributes: m.TokenAttributesAt,
		winnt.TokenUserClaimAttributes: m.ClaimsAt, winnt.TokenDeviceClaimAttributes: m.ClaimsAt} {
		e := Encoder{Base: l.base()}
		l.used = 0
		e.TokenInformation(class, attributes)
		matches(t, class.String(), attributes)(read(l.put(e.Bytes)))
	}
	none, st := m.TokenAttributesAt(l.put([]byte{0, 0, 0, 0, 1, 15: 0}) + 4) // a multiple of 4 suffices
	check.That(t, st == ntstatus.Success && len(none) == 0, "no attributes, 4 bytes after a multiple of 8: %v, %v",
		none, st)
}

// The input of NtSetInformationToken is decoded by class if it has at least the length of the class. The service
// rejects a shorter one, which is passed on as a number.
func TestTokenInformationIsDecodedByClass(t *testing.T) {
	l := newLayout(t)
	var m Memory
	user := l.sid(alice)
	list := check.Must(sd.NewACL())
	prefix, _ := l.text("box")
	head, name := l.counted("a")
	value := uint64(l.words(7))
	attributes := l.words(1|2<<32, uint64(l.words(head, name, uint64(claims.Int64), 1, value,
		head, name, uint64(claims.Uint64), 1, value)))
	changes := []token.AttributeChange{
		{Operation: 3, Attribute: claims.Attribute{Name: "a", Type: claims.Int64, Ints: []int64{7}}},
		{Operation: 2, Attribute: claims.Attribute{Name: "a", Type: claims.Uint64, Uints: []uint64{7}}}}
	policy := make([]byte, 30)
	policy[0], policy[29] = 0x11, 0x21
	for class, c := range map[winnt.TokenInfoClass]struct {
		size uint32
		at   Address
		want any
	}{
		winnt.TokenOwner: {8, l.words(user), alice}, winnt.TokenPrimaryGroup: {8, l.words(user), alice},
		winnt.TokenDefaultDacl:    {8, l.words(uint64(l.put([]byte(list.Binary())))), list},
		winnt.TokenOrigin:         {8, l.words(0x3e7), winnt.LUID(0x3e7)},
		winnt.TokenLinkedToken:    {8, l.words(0x44), winnt.Handle(0x44)},
		winnt.TokenIntegrityLevel: {16, l.words(user, 0x20), token.Group{SID: alice, Attributes: 0x20}},
		winnt.TokenBnoIsolation: {16, l.words(prefix, 1),
			nt.TokenBnoIsolation{IsolationPrefix: "box", IsolationEnabled: true}},
		winnt.TokenSecurityAttributes: {16, l.words(uint64(attributes), uint64(l.words(3|2<<32))), changes},
		winnt.TokenAuditPolicy:        {30, l.put(policy), policy},
		winnt.TokenSessionId:          {4, l.words(5), uint32(5)},
	} {
		for _, length := range []uint32{c.size, c.size + 8} {
			if got, st := m.TokenInformationAt(class, c.at, length); st != ntstatus.Success || !reflect.DeepEqual(got, c.want) {
				t.Errorf("class %d, %d bytes: %+v, %v, want %+v", class, length, got, st, c.want)
			}
		}
		if got, st := m.TokenInformationAt(class, c.at, c.size-1); st != ntstatus.Success || got != any(uint32(0)) {
			t.Errorf("class %d, one byte less: %+v, %v, want a zero uint32 and success", class, got, st)
		}
		if got, st := m.TokenInformationAt(class, c.at+1, c.size-1); st != ntstatus.Success || got != any(uint32(0)) {
			t.Errorf("class %d, one byte less at an odd address: %+v, %v, want a zero uint32 and success",
				class, got, st)
		}
		check.Equal(t, check.Status(m.TokenInformationAt(class, 0x1000, c.size-1)), ntstatus.AccessViolation,
			"class %d, one byte less without memory", class)
		if got, st := m.TokenInformationAt(class, c.at, 0); st != ntstatus.Success || got != nil {
			t.Errorf("class %d, nothing: %+v, %v, want nil, %v", class, got, st, ntstatus.Success)
		}
	}
	matches(t, "isolation without a prefix", any(nt.TokenBnoIsolation{IsolationEnabled: true}))(
		m.TokenInformationAt(winnt.TokenBnoIsolation, l.words(0, 1), 16))
	_, st := m.TokenInformationAt(winnt.TokenSecurityAttributes, l.words(0, uint64(l.words(3))), 16)
	check.Equal(t, st, ntstatus.AccessViolation, "operations without attributes")
}
