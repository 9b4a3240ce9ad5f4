package sddl

import (
	"encoding/hex"
	"strings"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// aceToken is the SDDL name of an ACE type.
type aceToken struct {
	name string
	t    sd.Type
}

// aceTokens has two-letter names first, so that A does not hide AU.
var aceTokens = []aceToken{
	{"OA", sd.AccessAllowedObject}, {"OD", sd.AccessDeniedObject},
	{"AU", sd.SystemAudit}, {"AL", sd.SystemAlarm}, {"OU", sd.SystemAuditObject}, {"OL", sd.SystemAlarmObject},
	{"XA", sd.AccessAllowedCallback}, {"XD", sd.AccessDeniedCallback}, {"ZA", sd.AccessAllowedCallbackObject},
	{"XU", sd.SystemAuditCallback}, {"ML", sd.SystemMandatoryLabel}, {"RA", sd.SystemResourceAttribute},
	{"SP", sd.SystemScopedPolicyID}, {"TL", sd.SystemProcessTrustLabel}, {"FL", sd.SystemAccessFilter},
	{"A", sd.AccessAllowed}, {"D", sd.AccessDenied},
}

// aceFlags are in the order they are printed (S-40).
var aceFlags = []struct {
	name string
	bit  uint8
}{
	{"OI", sd.ObjectInherit}, {"CI", sd.ContainerInherit}, {"NP", sd.NoPropagateInherit}, {"IO", sd.InheritOnly},
	{"ID", sd.Inherited}, {"SA", sd.SuccessfulAccess}, {"FA", sd.FailedAccess}, {"CR", sd.Critical},
	{"TP", sd.TrustProtectedFilter},
}

// fields holds the fields of one ACE while the parser reads them.
type fields struct {
	t        sd.Type
	flags    uint8
	mask     winnt.AccessMask
	object   *winnt.GUID
	inherits *winnt.GUID
	trustee  sid.SID
	data     []byte
	raw      bool // our own form of an entry without a token (S-45)
}

// ace parses one ACE, "(type;flags;rights;guid;guid;sid[;tail])". The next byte must be the parenthesis. isSACL says
// that the list is a SACL. An ACE that is too long for a list is an error.
func (p *parser) ace(isSACL bool) (sd.ACE, error) {
	start := p.pos
	p.pos++
	var f fields
	if err := p.aceType(&f, isSACL); err != nil {
		return sd.ACE{}, err
	}
	if err := p.aceFlags(&f); err != nil {
		return sd.ACE{}, err
	}
	if err := p.aceRights(&f); err != nil {
		return sd.ACE{}, err
	}
	if err := p.aceGUIDs(&f); err != nil {
		return sd.ACE{}, err
	}
	if err := p.aceTrustee(&f); err != nil {
		return sd.ACE{}, err
	}
	if err := p.aceTail(&f); err != nil {
		return sd.ACE{}, err
	}
	p.innerBlanks()
	if p.peek() != ')' {
		return sd.ACE{}, p.fail(ntstatus.InvalidACL, "')' after the last field of the ACE")
	}
	p.pos++
	a, err := f.build()
	if err != nil {
		return sd.ACE{}, &SyntaxError{Text: p.text, Offset: start, Want: "an ACE that fits in a list",
			Status: ntstatus.InvalidACL}
	}
	return a, nil
}

// build returns the ACE with the parsed fields. The error is that of [sd.NewACE] or [sd.RawACE].
func (f *fields) build() (sd.ACE, error) {
	if f.raw {
		return sd.RawACE(f.t, f.flags, f.data)
	}
	return sd.NewACE(f.t, f.flags, f.mask, f.trustee, sd.ACEExtra{ObjectType: f.object, InheritedObjectType: f.inherits,
		AppData: f.data})
}

// semicolon reads the semicolon that ends a field, and the blanks after it.
func (p *parser) semicolon() error {
	if p.peek() != ';' {
		return p.fail(ntstatus.InvalidACL, "';'")
	}
	p.pos++
	p.innerBlanks()
	return nil
}

// aceType parses the type of an ACE, such as A, and its semicolon. It refuses a type that belongs in the other list
// (S-14). Only the option Extended allows a type in the form 0xNN.
func (p *parser) aceType(aceFields *fields, isSACL bool) error {
	p.innerBlanks()
	at := p.pos
	found := p.opt.Extended && p.rawType(aceFields)
	for i := 0; !found && i < len(aceTokens); i++ {
		if p.word(aceTokens[i].name) {
			aceFields.t, found = aceTokens[i].t, true
		}
	}
	// A type is not followed by a blank (S-41).
	if !found || p.peek() != ';' {
		p.pos = at
		return p.fail(ntstatus.InvalidACL, "an ACE type such as A or D, then ';'")
	}
	// A type that belongs in the other list is refused (S-14).
	if aceFields.t.Layout() != sd.LayoutUnknown && aceFields.t.IsSystem() != isSACL {
		p.pos = at
		return p.fail(ntstatus.InvalidACL, "an ACE type that belongs in this list")
	}
	return p.semicolon()
}

// aceFlags parses the flags of an ACE, such as OICI, and their semicolon. There may be none.
func (p *parser) aceFlags(f *fields) error {
next:
	for p.peek() != ';' {
		for _, x := range aceFlags {
			if p.word(x.name) {
				f.flags |= x.bit
				continue next
			}
		}
		return p.fail(ntstatus.InvalidACL, "an ACE flag such as OI, or ';'")
	}
	return p.semicolon()
}

// aceRights parses the access mask of an ACE, such as GRGW or 0x1f, and its semicolon. It may be empty. A resource
// attribute must have none.
func (p *parser) aceRights(f *fields) error {
	end := strings.IndexByte(p.rest(), ';')
	if end < 0 {
		return p.fail(ntstatus.InvalidACL, "rights, then ';'")
	}
	m, off, want := scanRights(p.rest()[:end], p.strict)
	if want != "" {
		p.pos += off
		return p.fail(ntstatus.InvalidACL, want)
	}
	// A resource attribute has no rights.
	if f.t == sd.SystemResourceAttribute && m != 0 {
		return p.fail(ntstatus.InvalidACL, "no rights in a resource attribute")
	}
	f.mask = m
	p.pos += end
	return p.semicolon()
}

// aceGUIDs parses the two GUID fields of an ACE and their semicolons. They must be empty unless the ACE's type has
// object types.
func (p *parser) aceGUIDs(f *fields) error {
	for _, g := range [...]**winnt.GUID{&f.object, &f.inherits} {
		end := strings.IndexByte(p.rest(), ';')
		if end < 0 {
			return p.fail(ntstatus.InvalidACL, "a GUID or nothing, then ';'")
		}
		if text := p.rest()[:end]; text != "" {
			v, err := winnt.ParseGUID(text)
			// There is no blank next to a GUID (S-41).
			if err != nil || p.text[p.pos-1] == ' ' {
				return p.fail(ntstatus.InvalidStringUUID, "a GUID of 8-4-4-4-12 hexadecimal digits without braces or blanks")
			}
			if !f.t.IsObject() {
				return p.fail(ntstatus.InvalidACL, "no GUID in an ACE of this type")
			}
			*g = &v
		}
		p.pos += end + 1
		p.innerBlanks()
	}
	return nil
}

// aceTrustee parses the SID of an ACE. A resource attribute must have Everyone. An ACE in the extended form has no
// SID here, because its bytes include it (S-45).
func (p *parser) aceTrustee(f *fields) error {
	at := p.pos
	if p.opt.Extended && p.peek() == ';' && f.mask == 0 && f.object == nil && f.inherits == nil {
		// The bytes of the extended form say everything (S-45).
		f.raw = true
		return nil
	}
	s, err := p.sid(ntstatus.InvalidACL)
	if err != nil {
		return err
	}
	// A resource attribute is for Everyone.
	if f.t == sd.SystemResourceAttribute && s != sid.Everyone {
		p.pos = at
		return p.fail(ntstatus.InvalidACL, "WD, the trustee of every resource attribute")
	}
	f.trustee = s
	p.innerBlanks()
	return nil
}

// aceTail parses the seventh field of an ACE: a condition or an attribute.
//   - Callback and resource attribute ACEs must have it.
//   - Other types can have it only as ";#hex" with the option Extended. An ACE without a trustee must have it so.
func (p *parser) aceTail(aceFields *fields) error {
	if p.opt.Extended && strings.HasPrefix(p.rest(), ";#") {
		return p.hexTail(aceFields)
	}
	must := aceFields.t.IsCallback() || aceFields.t == sd.SystemResourceAttribute
	switch has := p.peek() == ';'; {
	case aceFields.raw:
		return p.fail(ntstatus.InvalidACL, "';#' and the bytes of the ACE")
	case must && !has:
		return p.fail(ntstatus.InvalidACL, "';' and a condition or attribute")
	case has && !must:
		return p.fail(ntstatus.InvalidACL, "')': an ACE of this type ends with the trustee")
	case !has:
		return nil
	}
	if err := p.semicolon(); err != nil {
		return err
	}
	if p.peek() != '(' {
		return p.fail(ntstatus.InvalidACL, "'(' and a condition or attribute")
	}
	if aceFields.t == sd.SystemResourceAttribute {
		return p.attribute(aceFields)
	}
	return p.condition(aceFields)
}

// rawType parses an ACE type in the form 0xNN, with a lower-case x. It reports whether one was there, and otherwise
// consumes nothing.
func (p *parser) rawType(f *fields) bool {
	r := p.rest()
	if len(r) < 4 || r[:2] != "0x" {
		return false
	}
	var b [1]byte
	if _, err := hex.Decode(b[:], []byte(r[2:4])); err != nil {
		return false
	}
	f.t = sd.Type(b[0])
	p.pos += 4
	return true
}

// hexTail parses the seventh field of an ACE in the extended form, ";#hex": the bytes after the SID, or after the
// header in an ACE of unknown type (S-45).
func (p *parser) hexTail(f *fields) error {
	p.pos += 2
	end := strings.IndexByte(p.rest(), ')')
	if end < 0 {
		return p.fail(ntstatus.InvalidACL, "hexadecimal digits, then ')'")
	}
	b, err := hex.DecodeString(p.rest()[:end])
	if err != nil {
		return p.fail(ntstatus.InvalidACL, "an even number of hexadecimal digits")
	}
	f.data = b
	p.pos += end
	return nil
}
