package pac

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"unicode/utf16"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// answer is a parsed PAC as the confined parser process sends it. The client information and the requestor are missing:
// the reader takes them from the PAC itself.
type answer struct {
	Logon           LogonInfo
	UPN             *UPNInfo
	Attributes      *Attributes
	Delegation      *Delegation
	Device          *DeviceInfo
	ClientClaims    []claims.Attribute
	DeviceClaims    []claims.Attribute
	HasClientClaims bool
	HasDeviceClaims bool
}

// maxAnswer limits an answer, in bytes.
const maxAnswer = 16 << 20

// MarshalAnswer encodes a parsed PAC in JSON for a process that does not trust this one, which reads it with
// [ReadAnswer]. It leaves out the client information and the requestor.
func (p *PAC) MarshalAnswer() ([]byte, error) {
	a := answer{Logon: p.Logon, UPN: p.UPN, Attributes: p.Attributes, Delegation: p.Delegation, Device: p.Device,
		HasClientClaims: p.HasClientClaims, HasDeviceClaims: p.HasDeviceClaims}
	for _, c := range p.ClientClaims.All() {
		a.ClientClaims = append(a.ClientClaims, c)
	}
	for _, c := range p.DeviceClaims.All() {
		a.DeviceClaims = append(a.DeviceClaims, c)
	}
	return json.Marshal(a)
}

// ReadAnswer reads what another process parsed from a PAC and compares it with the bytes, whose signature the caller
// has verified. The account, its primary group, the flags, the client's name and the requestor are those at their
// places in the bytes, and every group and SID of the logon and the device is somewhere in its buffer. Claims, which
// can be compressed, and the UPN are not compared. Errors wrap [ErrInvalid].
func ReadAnswer(text, data []byte) (*PAC, error) {
	var a answer
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("%w: an answer of %d bytes", ErrInvalid, len(text))
	}
	if err := strict.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("%w: the parser's answer: %w", ErrInvalid, err)
	}
	f, err := split(data)
	if err != nil {
		return nil, err
	}
	p := &PAC{Logon: a.Logon, UPN: a.UPN, Attributes: a.Attributes, Delegation: a.Delegation, Device: a.Device,
		HasClientClaims: a.HasClientClaims, HasDeviceClaims: a.HasDeviceClaims}
	if p.ClientClaims, err = claimSet(a.ClientClaims); err == nil {
		p.DeviceClaims, err = claimSet(a.DeviceClaims)
	}
	if err != nil {
		return nil, err
	}
	if err := f.confirm(p); err != nil {
		return nil, err
	}
	return p, nil
}

// claimSet returns a set of claims, nil without an error for an empty list. More than maxClaims, repeated and malformed
// claims are ErrInvalid.
func claimSet(list []claims.Attribute) (*claims.Set, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if len(list) > maxClaims {
		return nil, fmt.Errorf("%w: %d claims", ErrInvalid, len(list))
	}
	s, err := claims.NewSet(list)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return s, nil
}

// Places in the buffer of logon information: behind the headers of 20 bytes, six times, six names and two counts. The
// counts of extra SIDs and of resource groups come after a key, two names, a pointer and ten numbers.
const (
	atUser      = 20 + 6*8 + 6*8 + 2*2
	atPrimary   = atUser + 4
	atCount     = atPrimary + 4
	atFlags     = atCount + 8
	atExtra     = atFlags + 4 + 16 + 2*8 + 4 + 10*4
	atResources = atExtra + 3*4
)

// confirm compares the PAC p, parsed by an untrusted process, with the original bytes. It sets p.Client and
// p.Requestor from the bytes. An account, buffer or claim set that the bytes do not have is an error. Missing logon
// or client information is ErrInvalid. After an error p must not be used.
func (f *frame) confirm(p *PAC) (err error) {
	b, ok := f.find(kindLogonInfo)
	client, named := f.find(kindClientInfo)
	if !ok || !named || len(b) < atResources+4 {
		return fmt.Errorf("%w: no logon information", ErrInvalid)
	}
	if p.Client, err = readClientInfo(client); err != nil {
		return err
	}
	if r, ok := f.find(kindRequestor); ok {
		if p.Requestor, err = wholeSID(r); err != nil {
			return err
		}
	}
	l, at := &p.Logon, func(i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
	if l.UserID != at(atUser) || l.PrimaryGroupID != at(atPrimary) || l.UserFlags != at(atFlags) ||
		uint32(len(l.Groups)) != at(atCount) {
		// The parser names another account than the bytes that the KDC signed (K-90).
		return newMismatch("account")
	}
	extra, resources := at(atExtra), at(atResources)
	if l.UserFlags&FlagExtraSIDs == 0 {
		extra = 0
	}
	if l.UserFlags&FlagResourceGroups == 0 {
		resources = 0
	}
	if uint32(len(l.ExtraSIDs)) != extra || uint32(len(l.ResourceGroups)) != resources {
		// The parser hides or repeats a group (K-90).
		return newMismatch("number of groups")
	}
	for k, has := range map[kind]bool{kindUPN: p.UPN != nil, kindAttributes: p.Attributes != nil,
		kindDelegation: p.Delegation != nil, kindDevice: p.Device != nil, kindClientClaims: p.HasClientClaims,
		kindDeviceClaims: p.HasDeviceClaims} {
		if _, ok := f.find(k); ok != has {
			return newMismatch(fmt.Sprintf("buffer of type %d", k))
		}
	}
	if p.ClientClaims != nil && !p.HasClientClaims || p.DeviceClaims != nil && !p.HasDeviceClaims {
		return newMismatch("claims")
	}
	return f.confirmSIDs(p, b)
}

// confirmSIDs returns an error if an untrusted parser invented a SID. The SIDs of the logon, its account name and its
// domain name must occur anywhere in the signed bytes b. The device's SIDs must occur in the device buffer, if there
// is one. Other names are not checked. The error names the kind of the first mismatch.
func (f *frame) confirmSIDs(p *PAC, b []byte) error {
	l := &p.Logon
	if !containsSID(b, l.DomainID) || !l.ResourceDomain.IsZero() && !containsSID(b, l.ResourceDomain) {
		return newMismatch("domain")
	}
	all := membershipsIn(b)
	if !contains(all, l.Groups) || !contains(all, l.ResourceGroups) || !containsGroups(b, l.ExtraSIDs) {
		return newMismatch("group")
	}
	for _, name := range []string{l.EffectiveName, l.LogonDomainName} {
		if !bytes.Contains(b, utf16Bytes(name)) {
			return newMismatch("name")
		}
	}
	d, ok := f.find(kindDevice)
	if !ok {
		return nil
	}
	all = membershipsIn(d)
	if !containsSID(d, p.Device.DomainID) || !contains(all, p.Device.Groups) || !containsGroups(d, p.Device.ExtraSIDs) ||
		len(p.Device.DomainGroups) > len(d)/leastGroup {
		return newMismatch("group of the device")
	}
	for _, g := range p.Device.DomainGroups {
		if !containsSID(d, g.Domain) || !contains(all, g.Groups) {
			return newMismatch("group of the device")
		}
	}
	return nil
}

// newMismatch returns the error for a parsed value that does not occur in the signed bytes.
func newMismatch(what string) error {
	return fmt.Errorf("%w: the parser's answer has a %s that is not in the signed bytes", ErrInvalid, what)
}

// containsSID reports whether b contains the bytes of a SID.
func containsSID(b []byte, s sid.SID) bool {
	return !s.IsZero() && bytes.Contains(b, s.AppendBinary(nil))
}

// membershipsIn returns what can be memberships in a buffer: each RID followed by attributes, at a multiple of four
// bytes.
func membershipsIn(b []byte) map[Membership]struct{} {
	all := map[Membership]struct{}{}
	for i := 0; i+8 <= len(b); i += 4 {
		all[Membership{binary.LittleEndian.Uint32(b[i:]), binary.LittleEndian.Uint32(b[i+4:])}] = struct{}{}
	}
	return all
}

// contains reports whether each membership of list is in all. An empty list is contained in everything.
func contains(all map[Membership]struct{}, list []Membership) bool {
	for _, m := range list {
		if _, ok := all[m]; !ok {
			return false
		}
	}
	return true
}

// leastGroup is the number of bytes that a SID with its attributes, or a domain, takes at least: two numbers, a count
// and the SID.
const leastGroup = 8 + 4 + 8

// containsGroups reports whether b contains the bytes of each SID. It returns true for an empty list, and false for
// more SIDs than b has room for, because the search for one reads all of b.
func containsGroups(b []byte, list []token.Group) bool {
	if len(list) > len(b)/leastGroup {
		return false
	}
	for _, g := range list {
		if !containsSID(b, g.SID) {
			return false
		}
	}
	return true
}

// utf16Bytes encodes a text as in a PAC, in UTF-16LE. Invalid UTF-8 becomes U+FFFD.
func utf16Bytes(text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}
