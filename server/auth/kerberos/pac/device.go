package pac

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// DeviceInfo is PAC_DEVICE_INFO (MS-PAC 2.12): the groups of the client's computer. The zero value
// has no computer.
type DeviceInfo struct {
	UserID, PrimaryGroupID uint32
	DomainID               sid.SID
	Groups                 []Membership // groups in the domain DomainID
	ExtraSIDs              []token.Group
	DomainGroups           []DomainGroups
}

// DomainGroups has the computer's groups in one further domain.
type DomainGroups struct {
	Domain sid.SID
	Groups []Membership
}

// readDeviceInfo parses PAC_DEVICE_INFO. A malformed one, or one without a domain, is ErrInvalid. It checks the form
// only, not who issued it.
func readDeviceInfo(b []byte) (*DeviceInfo, error) {
	r := newReader(b, "device information")
	d := &DeviceInfo{UserID: r.u32(), PrimaryGroupID: r.u32()}
	domainID := r.pointer()
	groupCount, groups := r.u32(), r.pointer()
	extraCount, extra := r.u32(), r.pointer()
	domainCount, domains := r.u32(), r.pointer()
	if !domainID {
		r.fail("device information without a domain")
	}
	d.DomainID = r.sid()
	d.Groups = r.memberships(groups, groupCount)
	d.ExtraSIDs = r.groups(extra, extraCount)
	d.DomainGroups = r.domains(domains, domainCount)
	if r.err != nil {
		return nil, r.err
	}
	return d, nil
}

// domains parses an array of domains, then the SID and groups of each. It returns an empty list if the array is not
// there. A malformed domain sets r.err; then it returns nil.
func (r *reader) domains(there bool, count uint32) []DomainGroups {
	n := r.array(there, count, 12, "domains")
	out := make([]DomainGroups, n)
	type fixed struct {
		count         uint32
		domain, there bool
	}
	heads := make([]fixed, n)
	for i := range heads {
		heads[i].domain = r.pointer()
		heads[i].count, heads[i].there = r.u32(), r.pointer()
	}
	for i, h := range heads {
		if !h.domain {
			r.fail("domain %d of %d is missing", i, n)
		}
		out[i].Domain = r.sid()
		out[i].Groups = r.memberships(h.there, h.count)
		if r.err != nil {
			return nil
		}
	}
	return out
}
