package pac

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Flags of LogonInfo.UserFlags.
const (
	FlagExtraSIDs      = 0x20
	FlagResourceGroups = 0x200
)

// LogonInfo has the fields of KERB_VALIDATION_INFO that a token needs (MS-PAC 2.5). The zero value
// has no user.
type LogonInfo struct {
	LogonTime, KickOffTime        int64 // FILETIME; 0x7FFFFFFFFFFFFFFF for never
	EffectiveName, FullName       string
	LogonServer, LogonDomainName  string
	UserID, PrimaryGroupID        uint32
	DomainID                      sid.SID
	UserFlags, UserAccountControl uint32
	Groups                        []Membership  // of DomainID
	ExtraSIDs                     []token.Group // only with FlagExtraSIDs
	ResourceDomain                sid.SID       // zero without resource groups
	ResourceGroups                []Membership  // of ResourceDomain, only with FlagResourceGroups
}

// Membership is a group by its RID; the domain is stored elsewhere.
type Membership struct{ RID, Attributes uint32 }

// User returns the SID of the account, DomainID with the RID UserID. It does not check that UserID is not 0.
func (l *LogonInfo) User() sid.SID { return l.DomainID.WithRID(l.UserID) }

// readLogonInfo parses KERB_VALIDATION_INFO: the fixed part, then the pointers' targets in order. A truncated
// structure, a missing domain and resource groups without their domain are errors, and l is then empty. Extra SIDs and
// resource groups are used only if UserFlags says so.
func readLogonInfo(b []byte) (LogonInfo, error) {
	r := newReader(b, "logon information")
	var l LogonInfo
	var names [6]counted
	l.LogonTime, _, l.KickOffTime = r.fileTime(), r.fileTime(), r.fileTime()
	r.take(3 * 8) // when the password was set, can and must be changed
	for i := range names {
		names[i] = r.counted()
	}
	r.take(2 * 2) // counts of logons and of wrong passwords
	l.UserID, l.PrimaryGroupID = r.u32(), r.u32()
	groupCount, groups := r.u32(), r.pointer()
	l.UserFlags = r.u32()
	r.take(16) // the session key, a secret that is not needed
	server, domain := r.counted(), r.counted()
	domainID := r.pointer()
	r.take(2 * 4)
	l.UserAccountControl = r.u32()
	r.take(7 * 4)
	extraCount, extra := r.u32(), r.pointer()
	resourceDomain := r.pointer()
	resourceCount, resources := r.u32(), r.pointer()

	texts := [6]string{}
	for i, n := range names {
		texts[i] = r.text(n)
	}
	l.EffectiveName, l.FullName = texts[0], texts[1]
	l.Groups = r.memberships(groups, groupCount)
	l.LogonServer, l.LogonDomainName = r.text(server), r.text(domain)
	if !domainID {
		r.fail("logon information without a domain")
	}
	l.DomainID = r.sid()
	l.ExtraSIDs = r.groups(extra, extraCount)
	if resourceDomain {
		l.ResourceDomain = r.sid()
	}
	l.ResourceGroups = r.memberships(resources, resourceCount)
	if len(l.ResourceGroups) > 0 && !resourceDomain {
		r.fail("resource groups without their domain")
	}
	if r.err != nil {
		return LogonInfo{}, r.err
	}
	l.clearUndeclared()
	return l, nil
}

// clearUndeclared clears the parts of the logon information that UserFlags does not declare valid: the extra SIDs and
// the resource groups (K-5).
func (l *LogonInfo) clearUndeclared() {
	if l.UserFlags&FlagExtraSIDs == 0 {
		l.ExtraSIDs = nil
	}
	if l.UserFlags&FlagResourceGroups == 0 {
		l.ResourceGroups, l.ResourceDomain = nil, sid.SID{}
	}
}

// memberships parses an array of RIDs with attributes. With an error it is empty, and r.err is set.
func (r *reader) memberships(there bool, count uint32) []Membership {
	n := r.array(there, count, 8, "groups")
	out := make([]Membership, n)
	for i := range out {
		out[i] = Membership{RID: r.u32(), Attributes: r.u32()}
	}
	return out
}

// groups parses an array of pointers to SIDs with attributes, then the SIDs. It returns an empty list if the array is
// not there. A malformed SID sets r.err; then it returns nil.
func (r *reader) groups(there bool, count uint32) []token.Group {
	n := r.array(there, count, 8, "SIDs")
	out := make([]token.Group, n)
	for i := range out {
		if !r.pointer() {
			r.fail("SID %d of %d is missing", i, n)
		}
		out[i].Attributes = r.u32()
	}
	for i := range out {
		out[i].SID = r.sid()
		if r.err != nil {
			return nil
		}
	}
	return out
}
