package pac

import (
	"github.com/refmon/refmon/sid"
)

// SIDs that say whether other parts of a PAC are valid.
var (
	Compounded  = sid.MustParse("S-1-5-21-0-0-0-496")
	ClaimsValid = sid.MustParse("S-1-5-21-0-0-0-497")
)

// Place describes the computer that reads a PAC, and its domain. It decides which SIDs a member
// accepts from its own KDC and from others (MS-PAC 4.1.2.2).
type Place struct {
	// Domain is the domain of the keytab's KDC; zero: unknown, so that clients of other realms are rejected.
	Domain sid.SID
	// Machine is the SID of this computer; zero: no SID is recognized as one of this computer.
	Machine sid.SID
	// Foreign says that the client's realm is not the service's.
	Foreign bool
}

// firstMade is the first RID of accounts and groups that administrators create in a domain.
const firstMade = 1000

// foreignTo reports whether a PAC comes from outside this computer's domain: its realm is a foreign one, or issuer, the
// user's domain, is not ours. Without a configured domain only the realm decides.
func (at *Place) foreignTo(issuer sid.SID) bool {
	return at.Foreign || !at.Domain.IsZero() && at.Domain != issuer
}

// dropReason returns the reason to drop a SID of a PAC, or "" to keep it. issuer is the user's domain. foreign means
// that another realm issued the PAC. By authority:
//   - 4 and 10: kept
//   - 18: kept unless foreign
//   - 5: see dropReasonNT
//   - others, such as labels, packages and Unix ids: dropped
func (at *Place) dropReason(s, issuer sid.SID, foreign bool) string {
	switch s.Authority() {
	case 4, 10:
		return "" // trusts do not filter these (K-27)
	case 5:
		return at.dropReasonNT(s, issuer, foreign)
	case 18:
		// Only our own KDC may assert how the client was authenticated (K-25).
		return dropForeign(foreign, "an asserted identity of another issuer")
	case 15, 16:
		// A KDC may not assign labels and packages (K-28).
		return "a label or a package"
	case 22:
		// Ids of a Unix host belong to that host (K-28).
		return "a user or group of a Unix host"
	}
	// The computer that builds the token adds Everyone, Creator Owner and the like (K-22).
	return "a well-known SID of this computer"
}

// dropForeign decides about a SID that only the own realm may assign: it returns the reason why if the issuer is
// foreign. It returns "", which keeps the SID, otherwise.
func dropForeign(foreign bool, why string) string {
	if foreign {
		return why
	}
	return ""
}

// dropReasonNT returns the reason to drop a SID of NT AUTHORITY (S-1-5), or "" to keep it. dropReasonDomain decides
// about S-1-5-21-…. This Organization and first numbers from 1000 pass. Enterprise Domain Controllers pass only from
// the own realm. Every other SID is dropped.
func (at *Place) dropReasonNT(s, issuer sid.SID, foreign bool) string {
	n := s.SubAuthorities()
	if n == 0 {
		return "a well-known SID of this computer"
	}
	switch first := s.Sub(0); {
	case first == 21:
		return at.dropReasonDomain(s, issuer, foreign)
	case n == 1 && first == 15, first >= 1000:
		return "" // This Organization, Other Organization and later additions pass (K-27)
	case n == 1 && first == 9:
		// Enterprise Domain Controllers are those of our own forest (K-25).
		return dropForeign(foreign, "Enterprise Domain Controllers of another issuer")
	}
	// The computer that builds the token adds all other SIDs below S-1-5 (K-22).
	return "a well-known SID of this computer"
}

// dropReasonDomain returns the reason to drop a SID S-1-5-21-…, or "" to keep it. foreign means that another realm
// issued the PAC. The first case decides:
//   - not exactly 5 sub-authorities: dropped
//   - Compounded and ClaimsValid: kept
//   - this computer, or the domain 0-0-0: dropped
//   - not foreign, or the issuer's domain: kept
//   - our domain, or a RID below firstMade: dropped
//   - all others: kept
func (at *Place) dropReasonDomain(s, issuer sid.SID, foreign bool) string {
	if s.SubAuthorities() != 5 {
		// No token contains a domain itself, a prefix of one, or a longer SID (K-22).
		return "no account of a domain"
	}
	domain, rid := s.Prefix(), s.RID()
	switch {
	case s == Compounded, s == ClaimsValid:
		// The SIDs that make claims and the device count pass (K-27).
		return ""
	case domain == at.Machine:
		// Only this computer's store may assign its groups (K-23).
		return "a group of this computer"
	case s.Sub(1) == 0 && s.Sub(2) == 0 && s.Sub(3) == 0:
		// The domain 0-0-0 has no other groups (K-22).
		return "no account of a domain"
	case !foreign, domain == issuer:
		return ""
	case domain == at.Domain:
		// A foreign issuer cannot assign groups of our domain (K-24).
		return "a SID of the own domain from another issuer"
	case rid < firstMade:
		// A foreign issuer cannot assign well-known groups of a third domain (K-26).
		return "a well-known group of a third domain"
	}
	return ""
}
