package daemon

import (
	"fmt"
	"strconv"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// logOn logs the connected program on and writes the audit record. On success logOn sets c.token and c.end. The
// caller calls c.end when a process holds the session. On failure logOn sends a status to the client and leaves
// c.token and c.end unchanged.
func (c *connection) logOn() error {
	r, err := c.d.Identity().LogOn(c.peer, c.full)
	var tok *token.Token
	var end func()
	if err == nil {
		if tok, end, err = c.d.sys.LogOn(r); err != nil {
			err = fmt.Errorf("logon of uid %d: %w", c.peer.UID, err)
		}
	}
	if err != nil {
		// An unknown peer, or one whose token cannot be made, gets no process (W-14).
		if r.Account.Name == "" && r.Account.SID.IsZero() && c.peer.Known {
			r.Account.Name = recordedUser(c.peer.UID) // no account is known, for example because winbind is silent
		}
		c.d.sys.RecordRefusedLogon(c.source(), winnt.LOGON32_LOGON_INTERACTIVE, r.Account,
			ntstatus.Of(err, ntstatus.AccessDenied))
		_ = wire.Refuse(c.conn, ntstatus.AccessDenied)
		return err
	}
	// If the audit policy fails closed, a logon without a record is rejected (W-22).
	if st := c.d.sys.RecordLogon(c.source(), winnt.LOGON32_LOGON_INTERACTIVE, tok); st != ntstatus.Success {
		end()
		_ = wire.Refuse(c.conn, st)
		return fmt.Errorf("record of a logon: %w", st.Err())
	}
	// An anonymous peer has an impersonation token, but a process needs a primary token.
	c.token, c.end = tok.WithTypeLevel(winnt.TokenPrimary, 0), end
	return nil
}

// source returns the source of the program's logon record.
func (c *connection) source() kernel.LogonSource {
	return kernel.LogonSource{Process: "refmond", Package: "unix", ClientID: uint64(c.peer.PID), ClientName: c.peer.Name,
		Peer: recordedUser(c.account)}
}

// recordedUser returns the name under which the rate of audit records counts a uid.
func recordedUser(uid uint32) string { return "uid " + strconv.FormatUint(uint64(uid), 10) }
