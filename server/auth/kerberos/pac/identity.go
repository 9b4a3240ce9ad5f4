package pac

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Identity is the part of a PAC that goes into a token. The zero value has no user.
type Identity struct {
	User         sid.SID
	PrimaryGroup sid.SID
	// Groups have the KDC's attributes. The primary group is first, and there are no duplicates.
	Groups                   []token.Group
	DeviceGroups             []token.Group
	UserClaims, DeviceClaims *claims.Set
	Dropped                  []Dropped
}

// Dropped is a SID of a PAC that is not put into a token, with the reason.
type Dropped struct {
	SID sid.SID
	Why string
}

// given has the attributes that a KDC may assign to a group. Those of labels and logon SIDs are
// excluded.
const given = winnt.SE_GROUP_MANDATORY | winnt.SE_GROUP_ENABLED_BY_DEFAULT | winnt.SE_GROUP_ENABLED |
	winnt.SE_GROUP_OWNER | winnt.SE_GROUP_USE_FOR_DENY_ONLY | winnt.SE_GROUP_RESOURCE

// Identity returns the SIDs, groups and claims of the PAC that the computer at accepts, without those that this issuer
// may not assign. Call [PAC.Check] first. The error wraps [ErrInvalid]: the issuer cannot have such a user. It leaves
// out claims and device groups unless an extra SID of the KDC says that they are valid. Dropped lists what was dropped.
func (p *PAC) Identity(at Place) (Identity, error) {
	l := &p.Logon
	user := l.User()
	if err := at.admit(l.DomainID); err != nil {
		return Identity{}, err
	}
	g := gathering{place: at, foreign: at.foreignTo(l.DomainID), issuer: l.DomainID, most: 1 + len(l.Groups) +
		len(l.ExtraSIDs) + len(l.ResourceGroups)}
	// The user's groups are the domain's with the primary group, the extra SIDs and the resource
	// groups (K-18).
	g.primary(l.PrimaryGroupID, l.Groups)
	g.memberships(l.DomainID, l.Groups)
	g.groups(l.ExtraSIDs)
	g.resources(l.ResourceDomain, l.ResourceGroups)
	id := Identity{User: user, PrimaryGroup: l.DomainID.WithRID(l.PrimaryGroupID), Groups: g.out}
	has := func(groups []token.Group, s sid.SID) bool {
		return slices.ContainsFunc(groups, func(g token.Group) bool { return g.SID == s })
	}
	if p.HasClientClaims && has(l.ExtraSIDs, ClaimsValid) {
		// Claims are used only if the KDC says that they are valid (K-19).
		id.UserClaims = p.ClientClaims
	}
	compound := p.Device != nil && has(l.ExtraSIDs, Compounded)
	if compound {
		// The device is used only if the KDC says that the logon was compound (K-20).
		d := gathering{place: at, foreign: at.foreignTo(p.Device.DomainID), issuer: p.Device.DomainID}
		d.primary(p.Device.PrimaryGroupID, p.Device.Groups)
		d.memberships(p.Device.DomainID, p.Device.Groups)
		d.groups(p.Device.ExtraSIDs)
		for _, o := range p.Device.DomainGroups {
			d.memberships(o.Domain, o.Groups)
		}
		id.DeviceGroups = d.out
		g.dropped = append(g.dropped, d.dropped...)
	}
	if compound && p.HasDeviceClaims && has(p.Device.ExtraSIDs, ClaimsValid) {
		// The device's claims are used only if both are true (K-21).
		id.DeviceClaims = p.DeviceClaims
	}
	id.Dropped = g.dropped
	return id, nil
}

// gathering collects the groups that a token gets from a PAC, without duplicates, and the SIDs that are dropped.
type gathering struct {
	place   Place
	foreign bool
	issuer  sid.SID
	most    int

	kept    map[sid.SID]bool // by SID that came: whether it is in out; otherwise it is in dropped
	out     []token.Group
	dropped []Dropped
}

// add adds a group to those of the token, unless it was added or dropped before. It keeps only attributes that a KDC
// may give. If the issuer may not assign the SID, add records it as dropped, with the reason.
func (g *gathering) add(s sid.SID, attributes uint32) {
	if g.kept == nil {
		g.kept, g.out = make(map[sid.SID]bool, g.most), make([]token.Group, 0, g.most)
	}
	if _, came := g.kept[s]; came {
		return
	}
	why := g.place.dropReason(s, g.issuer, g.foreign)
	g.kept[s] = why == ""
	if why != "" {
		g.dropped = append(g.dropped, Dropped{s, why})
		return
	}
	g.out = append(g.out, token.Group{SID: s, Attributes: attributes & given})
}

// primary adds the account's primary group to the token's groups. rid is the group's RID in the issuer's domain. The
// group's attributes come from all, the PAC's memberships, or are the default. A group that was already added is
// skipped.
func (g *gathering) primary(rid uint32, all []Membership) {
	attributes := token.GroupDefault
	if i := slices.IndexFunc(all, func(m Membership) bool { return m.RID == rid }); i >= 0 {
		attributes = all[i].Attributes
	}
	g.add(g.issuer.WithRID(rid), attributes)
}

// memberships adds to the groups of the token those of a domain, which a PAC lists by RID and attributes.
func (g *gathering) memberships(domain sid.SID, all []Membership) {
	for _, m := range all {
		g.add(domain.WithRID(m.RID), m.Attributes)
	}
}

// groups adds to the groups of the token those that a PAC lists by SID, in order.
func (g *gathering) groups(all []token.Group) {
	for _, x := range all {
		g.add(x.SID, x.Attributes)
	}
}

// resources adds the domain-local groups of the service's domain to the token's groups. Groups that were created in
// our domain are also valid for foreign clients. A foreign issuer that sends the same SID cannot remove such a group,
// which a deny entry may name (K-24).
func (g *gathering) resources(domain sid.SID, all []Membership) {
	for _, m := range all {
		s := domain.WithRID(m.RID)
		if g.foreign && domain == g.place.Domain && m.RID >= firstMade && !g.kept[s] {
			g.kept[s] = true
			g.out = append(g.out, token.Group{SID: s, Attributes: m.Attributes & given})
			continue
		}
		g.add(s, m.Attributes)
	}
}

// admit returns an error if the issuer of a PAC cannot have users of domain. No issuer can have users of this
// computer's own domain. Another realm cannot have users of our domain, and is rejected if no domain is configured.
func (at *Place) admit(domain sid.SID) error {
	switch {
	case at.Machine == domain:
		// No KDC has accounts of this computer (K-29).
		return fmt.Errorf("%w: its user is of this computer's own domain %v", ErrInvalid, domain)
	case at.Foreign && at.Domain.IsZero():
		// Without our own domain's SID, foreign SIDs cannot be recognized (K-29).
		return fmt.Errorf("%w: the client is of another realm, and the configuration has no domain", ErrInvalid)
	case at.Foreign && at.Domain == domain:
		return fmt.Errorf("%w: a client of another realm as a user of %v", ErrInvalid, domain)
	}
	return nil
}

// Filter returns the groups of a user that count at a place, without duplicates, and those that do not. It applies the
// rules for a PAC to groups from a directory, and keeps only the attributes that a KDC may assign. The error wraps
// [ErrInvalid]: the domain cannot have such a user.
func (at *Place) Filter(user sid.SID, groups []token.Group) ([]token.Group, []Dropped, error) {
	issuer := user.Prefix()
	if err := at.admit(issuer); err != nil {
		return nil, nil, err
	}
	g := gathering{place: *at, foreign: at.foreignTo(issuer), issuer: issuer, most: len(groups)}
	g.groups(groups)
	return g.out, g.dropped, nil
}
