package daemon

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// logOn gives the program its token, and records that it did.
func (c *connection) logOn() error {
	r, err := c.d.Identity().LogOn(c.peer, c.full)
	if err != nil {
		// Who is not known gets no token, and without a token there is no process (W-14).
		c.d.sys.RecordRefusedLogon(c.source(), winnt.LOGON32_LOGON_INTERACTIVE, r.Account, reason(err))
		_ = wire.Refuse(c.conn, ntstatus.AccessDenied)
		return err
	}
	tok, end, err := c.d.sys.LogOn(r)
	if err != nil {
		_ = wire.Refuse(c.conn, ntstatus.AccessDenied)
		return fmt.Errorf("logon of uid %d: %w", c.peer.UID, err)
	}
	// Under a policy that fails closed there is no connection without its record (W-22).
	if st := c.d.sys.RecordLogon(c.source(), winnt.LOGON32_LOGON_INTERACTIVE, tok); st != ntstatus.Success {
		end()
		_ = wire.Refuse(c.conn, st)
		return fmt.Errorf("record of a logon: %w", st.Err())
	}
	// Anonymous is a client as a rule, with an impersonation token, and a process here.
	c.token, c.end = tok.WithTypeLevel(winnt.TokenPrimary, 0), end
	return nil
}

func (c *connection) source() kernel.LogonSource {
	return kernel.LogonSource{Process: "refmond", Package: "unix", ClientID: uint64(c.peer.PID), ClientName: c.peer.Name}
}

func reason(err error) ntstatus.Status {
	var e *ntstatus.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return ntstatus.AccessDenied
}
