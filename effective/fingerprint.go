package effective

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Fingerprint returns all data of a token that an access check can read, as
// bytes. Every check gives two tokens with equal fingerprints the same result
// . Lists of SIDs are sorted, so the order of groups does not matter.
// Fingerprint panics for nil and for the zero token.
func Fingerprint(t *token.Token) string {
	var f fingerprint
	f.set(t.SIDs(), t.AllowBits())
	same := slices.Equal(t.AllowBits(), t.DenyBits())
	f.flags(same)
	if !same {
		f.set(t.SIDs(), t.DenyBits())
	}
	f.number(uint64(t.Enabled() & checked))
	f.number(uint64(t.Integrity())<<32 | uint64(t.MandatoryPolicy()&winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP))
	f.sid(t.TrustLevel())
	f.flags(t.IsRestricted(), t.WriteRestricted(), t.IsAppContainer(), t.LowPrivilege())
	if t.IsRestricted() {
		f.set(t.RestrictedSet(), nil)
		f.set(t.RestrictedDenySet(), nil)
		f.claims(t.RestrictedUserClaims())
		f.claims(t.RestrictedDeviceClaims())
	}
	f.sid(t.Package())
	f.set(t.CapabilitySet(), orNone(t.CapabilityBits()))
	f.claims(t.UserClaims())
	f.claims(t.DeviceClaims())
	f.claims(t.LocalAttributes())
	f.set(t.DeviceSet(), orNone(t.DeviceBits()))
	f.set(t.DeviceSet(), orNone(t.DeviceDenyBits()))
	f.flags(t.DeviceSet().Len() > 0)
	f.set(t.RestrictedDeviceSet(), nil)
	return string(f)
}

// checked are the privileges that take part in a check.
var checked = winnt.Privileges(winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege, winnt.SeRelabelPrivilege,
	winnt.SeBackupPrivilege, winnt.SeRestorePrivilege)

// fingerprint collects the data of a token as bytes, so that only equal tokens have equal bytes.
type fingerprint []byte

// orNone returns b, or an empty bitmap for nil: fingerprint.set treats nil as "all".
func orNone(b sidset.Bits) sidset.Bits {
	if b == nil {
		return sidset.Bits{}
	}
	return b
}

// set appends the SIDs whose bits are set in b, or all SIDs if b is nil. The order of the SIDs does not matter, and
// equal ones count once.
func (f *fingerprint) set(s *sidset.Set, b sidset.Bits) {
	list := make([]sid.SID, 0, s.Len())
	for i := range s.Len() {
		if b == nil || b.Has(i) {
			list = append(list, s.At(i))
		}
	}
	slices.SortFunc(list, func(a, b sid.SID) int { return strings.Compare(a.Binary(), b.Binary()) })
	list = slices.Compact(list)
	f.number(uint64(len(list)))
	for _, x := range list {
		f.sid(x)
	}
}

// sid appends the length of a SID and its bytes.
func (f *fingerprint) sid(s sid.SID) {
	*f = append(*f, byte(s.Len()))
	*f = s.AppendBinary(*f)
}

// number appends an unsigned number in a form of variable length.
func (f *fingerprint) number(v uint64) { *f = binary.AppendUvarint(*f, v) }

// flags appends up to eight flags as one byte. Further ones are lost.
func (f *fingerprint) flags(flags ...bool) {
	b := byte(0)
	for i, on := range flags {
		if on {
			b |= 1 << i
		}
	}
	*f = append(*f, b)
}

// claims appends a list of attributes in order, because the later of two with one name wins. A nil list differs from an
// empty one, because the restricted pass distinguishes them (T-67).
func (f *fingerprint) claims(s *claims.Set) {
	f.flags(s != nil)
	f.number(uint64(s.Len()))
	for _, a := range s.All() {
		b := a.Append(nil)
		f.number(uint64(len(b)))
		*f = append(*f, b...)
	}
}
