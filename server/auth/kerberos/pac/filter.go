package pac

import (
	"github.com/refmon/refmon/sid"
)

// SIDs by which a KDC says what else of a PAC counts.
var (
	Compounded  = sid.MustParse("S-1-5-21-0-0-0-496")
	ClaimsValid = sid.MustParse("S-1-5-21-0-0-0-497")
)

// Place says where a PAC is read: what a member of a domain takes from its own KDC
// and from others (MS-PAC 4.1.2.2).
type Place struct {
	// Domain is the domain whose KDC the keytab is of; zero where it is not known.
	Domain sid.SID
	// Machine is the domain of this computer's own accounts.
	Machine sid.SID
	// Foreign says that the client's realm is another than the ticket's.
	Foreign bool
}

// firstMade is the first RID of accounts and groups that were made in a domain.
const firstMade = 1000

// foreignTo reports whether groups beside those of that domain are a stranger's word.
// A domain that is not ours is foreign, whatever the realm is named.
func (at *Place) foreignTo(issuer sid.SID) bool {
	return at.Foreign || !at.Domain.IsZero() && at.Domain != issuer
}

// drops returns why a SID does not count at this place, "" if it does. issuer is the
// domain of the user.
func (at *Place) drops(s, issuer sid.SID, foreign bool) string {
	switch s.Authority() {
	case 4, 10:
		return "" // no trust filters these. K-27
	case 5:
		return at.dropsNT(s, issuer, foreign)
	case 18:
		// How the client proved who it is, is the own KDC's to say. K-25
		return strangers(foreign, "an asserted identity of another issuer")
	case 15, 16:
		// Labels and packages are no KDC's to give. K-28
		return "a label or a package"
	case 22:
		// Ids of a Unix host are that host's own. K-28
		return "a user or group of a Unix host"
	}
	// Everyone, creators and the rest are of the computer that builds the token. K-22
	return "a well-known SID of this computer"
}

func strangers(foreign bool, why string) string {
	if foreign {
		return why
	}
	return ""
}

// dropsNT decides about SIDs of NT AUTHORITY.
func (at *Place) dropsNT(s, issuer sid.SID, foreign bool) string {
	n := s.SubAuthorities()
	if n == 0 {
		return "a well-known SID of this computer"
	}
	switch first := s.Sub(0); {
	case first == 21:
		return at.dropsDomain(s, issuer, foreign)
	case n == 1 && first == 15, first >= 1000:
		return "" // This Organization, Other Organization and what came after them pass. K-27
	case n == 1 && first == 9:
		// Enterprise domain controllers are those of the own forest. K-25
		return strangers(foreign, "Enterprise Domain Controllers of another issuer")
	}
	// Everything else below S-1-5 is of the computer that builds the token. K-22
	return "a well-known SID of this computer"
}

// dropsDomain decides about SIDs of domains.
func (at *Place) dropsDomain(s, issuer sid.SID, foreign bool) string {
	if s.SubAuthorities() != 5 {
		// A domain itself, a part of one or something longer is in no token. K-22
		return "no account of a domain"
	}
	domain, rid := s.Prefix(), s.RID()
	switch {
	case s == Compounded, s == ClaimsValid:
		// What says whether claims and the device count passes. K-27
		return ""
	case domain == at.Machine:
		// Groups of this computer are of its own store only. K-23
		return "a group of this computer"
	case s.Sub(1) == 0 && s.Sub(2) == 0 && s.Sub(3) == 0:
		// The domain 0-0-0 has no other groups. K-22
		return "no account of a domain"
	case !foreign, domain == issuer:
		return ""
	case domain == at.Domain:
		// A stranger cannot say who is in a group of ours. K-24
		return "a SID of the own domain from another issuer"
	case rid < firstMade:
		// Nor who is an administrator of a third domain. K-26
		return "a well-known group of a third domain"
	}
	return ""
}
