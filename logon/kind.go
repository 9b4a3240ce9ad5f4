package logon

import (
	"slices"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Proof is how a client proved its identity. The zero value is not a proof that a token names.
type Proof uint8

// Proofs.
const (
	Unproved      Proof = iota // adds no SID
	ProvedToKDC                // S-1-18-1: a Kerberos authority asserts the identity
	ProvedByNTLM               // S-1-5-64-10: NTLM, also for a password of this computer's own accounts
	ByServiceOnly              // S-1-18-2: a service asserts the identity, and the client proved nothing
)

// Kind is a way to log on that a query can assume: a type of logon and a proof of identity. The zero value is
// Kerberos.
type Kind uint8

// Kinds.
const (
	Kerberos    Kind = iota // over the network, with a ticket
	NTLM                    // over the network, with NTLM
	Interactive             // at the computer, with a password
	Service                 // of a service, with a password
)

// Kinds lists all kinds in order.
var Kinds = [...]Kind{Kerberos, NTLM, Interactive, Service}

var kindNames = [...]string{"kerberos", "ntlm", "interactive", "service"}

// String returns the name of the kind, such as "ntlm"; "" for an unknown kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// ParseKind returns the kind with a name. It returns false for an unknown name and for "".
func ParseKind(name string) (Kind, bool) {
	i := slices.Index(kindNames[:], name)
	return Kind(max(i, 0)), i >= 0
}

// Parts returns the logon type and the proof of identity of a kind. kdc says whether a KDC has the account. Without a
// KDC the account gets no ticket, so its proof is NTLM for every kind (L-83). A kind outside [Kinds] is a network
// logon.
func (k Kind) Parts(kdc bool) (winnt.LogonType, Proof) {
	proof := ProvedToKDC
	if k == NTLM || !kdc {
		proof = ProvedByNTLM
	}
	switch k {
	case Interactive:
		return winnt.LOGON32_LOGON_INTERACTIVE, proof
	case Service:
		return winnt.LOGON32_LOGON_SERVICE, proof
	}
	return winnt.LOGON32_LOGON_NETWORK, proof
}

// Groups returns the SIDs that a token gets because of how the client logged on: those of the logon type, such as
// NETWORK, of a local account, and of the proof. local reports whether the account belongs to this computer,
// administrator whether it is in Administrators. An unknown type counts as interactive, an unknown proof as none.
func Groups(t winnt.LogonType, p Proof, local, administrator bool) []sid.SID {
	out := typeSIDs(t)
	if local {
		// An account of this computer has Local account, and as an administrator a second SID (L-81).
		out = append(out, sid.LocalAccount)
		if administrator {
			out = append(out, sid.LocalAccountAdministrator)
		}
	}
	// The proof has a SID of its own (L-80, L-82).
	switch p {
	case ProvedToKDC:
		out = append(out, sid.AuthorityAsserted)
	case ProvedByNTLM:
		out = append(out, sid.NTLMAuthentication)
	case ByServiceOnly:
		out = append(out, sid.ServiceAsserted)
	}
	return out
}

// Add appends to the groups of s the SIDs of Groups that s does not have. Whether the user is an administrator follows
// from the groups of s.
func Add(s *token.Spec, t winnt.LogonType, p Proof, local bool) {
	has := func(id sid.SID) bool {
		return slices.ContainsFunc(s.Groups, func(g token.Group) bool { return g.SID == id })
	}
	for _, id := range Groups(t, p, local, has(sid.Administrators)) {
		if !has(id) {
			s.Groups = append(s.Groups, token.Group{SID: id, Attributes: token.GroupDefault})
		}
	}
}

// typeSIDs returns the SIDs of a logon type, such as INTERACTIVE, the type's own first. Unknown types get those of an
// interactive logon.
func typeSIDs(t winnt.LogonType) []sid.SID {
	switch t {
	case winnt.LOGON32_LOGON_NETWORK, winnt.LOGON32_LOGON_NETWORK_CLEARTEXT:
		return []sid.SID{sid.Network}
	case winnt.LOGON32_LOGON_BATCH:
		return []sid.SID{sid.Batch, sid.ConsoleLogon, sid.Local}
	case winnt.LOGON32_LOGON_SERVICE:
		return []sid.SID{sid.Service, sid.ConsoleLogon, sid.Local}
	case winnt.LOGON32_LOGON_REMOTE_INTERACTIVE:
		return []sid.SID{sid.Interactive, sid.RemoteInteractive, sid.Local}
	case winnt.LOGON32_LOGON_UNLOCK:
		return []sid.SID{sid.Interactive, sid.Local}
	}
	// A logon at the computer itself is Local and a console logon (L-84).
	return []sid.SID{sid.Interactive, sid.ConsoleLogon, sid.Local}
}

// kindSIDs are the SIDs by which the tokens of two kinds of logon can differ.
var kindSIDs = []sid.SID{sid.Network, sid.Interactive, sid.Service, sid.ConsoleLogon, sid.Local,
	sid.AuthorityAsserted, sid.NTLMAuthentication}

// DependsOnKind reports whether a SID, such as NETWORK, is in the tokens of some kinds of logon only.
func DependsOnKind(s sid.SID) bool { return slices.Contains(kindSIDs, s) }
