package unix

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Stored determines the tokens of peers from an account store.
type Stored struct {
	Store          *lsa.Store                    // required
	Administrators []uint32                      // uids that are administrators in addition to those of the store
	Privileges     map[uint32]winnt.PrivilegeSet // by uid: further privileges of its tokens, enabled
}

// LogOn returns the contents of a peer's token. An administrator gets the limited token with the full one linked
// (L-5). If full is set, an administrator gets the full one with the limited one linked, and all other peers are
// refused with an error for STATUS_ACCESS_DENIED (L-51), as is always a peer that is not Known. A Foreign peer also
// gets the groups that the host lists for its uid, and is refused if they cannot be read. An unmapped uid (65534) gets
// no further privileges. With an error, the result has no token, but may have the account and the reason for the audit
// record.
func (s Stored) LogOn(p *Peer, full bool) (logon.Result, error) {
	if !p.Known {
		return logon.Result{}, errUnknown
	}
	var more []sid.SID
	if slices.Contains(s.Administrators, p.UID) {
		more = append(more, sid.Administrators)
	}
	r, st := s.tokenOf(p, more...)
	switch st {
	case ntstatus.Success:
	case ntstatus.NoLogonServers:
		return r, fmt.Errorf("uid %d: account or groups cannot be looked up: see whether winbind, the directory of the "+
			"id map, or getent answers: %w", p.UID, st.Err())
	default:
		return r, fmt.Errorf("uid %d: %w", p.UID, st.Err())
	}
	switch {
	case !full:
	case r.Administrator():
		r = r.Full()
	default:
		return logon.Result{Account: r.Account}, fmt.Errorf("uid %d is not an administrator: %w", p.UID,
			ntstatus.AccessDenied.Err())
	}
	if p.UID == lsa.Unmapped {
		return r, nil
	}
	// The full token has every privilege of the limited one (L-79).
	for _, spec := range []*token.Spec{&r.Token, r.Linked} {
		if spec != nil {
			more := s.Privileges[p.UID]
			spec.Privileges |= more
			spec.EnabledPrivileges |= more
			spec.DefaultPrivileges |= more
		}
	}
	return r, nil
}

// tokenOf returns the contents of a token for the peer's uid and groups, and the groups in more. p must be Known. A
// Foreign peer also gets the host's groups for the uid. If these are unreadable, the result is the status of that
// lookup.
func (s Stored) tokenOf(p *Peer, more ...sid.SID) (logon.Result, ntstatus.Status) {
	gids := p.gids()
	if p.Foreign {
		// In a user namespace a user can leave groups of the host, and a deny entry may name one (W-102).
		var st ntstatus.Status
		if gids, st = s.Store.WithHostGroups(p.UID, gids); st != ntstatus.Success {
			return logon.Result{}, st
		}
	}
	return s.Store.TokenForUID(p.UID, gids, more...)
}
