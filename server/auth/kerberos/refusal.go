package kerberos

import (
	"errors"
	"strings"

	"github.com/refmon/refmon/ntstatus"
)

// Refusal says why a token was rejected. Its text is for the audit record, not for the client.
type Refusal struct {
	Status ntstatus.Status // status for the client: STATUS_LOGON_FAILURE, or STATUS_NO_LOGON_SERVERS for a password
	// Reason is the substatus of event 4625, for the audit record only. It is STATUS_LOGON_FAILURE
	// if there is no better one.
	Reason ntstatus.Status
	// Client and Realm are the client's name and realm in the ticket; "" if no key opened the ticket.
	Client, Realm string
	Why           error // never nil
}

// Error names the client, if it is known, and the reason. It is for the log, not for the client.
func (r *Refusal) Error() string {
	why := strings.TrimPrefix(r.Why.Error(), "kerberos: ") // some reasons begin with the prefix, which is added below
	if r.Client == "" {
		return "kerberos: " + why
	}
	return "kerberos: " + r.Client + "@" + r.Realm + ": " + why
}

// Unwrap returns Why, so that errors.Is and errors.As find the reason.
func (r *Refusal) Unwrap() error { return r.Why }

// fault is an error with the NT status that is documented for it.
type fault struct {
	status ntstatus.Status
	error
}

// Unwrap returns the reason without its status.
func (f fault) Unwrap() error { return f.error }

// refuse returns the [*Refusal] of a token. o is the opened ticket, nil if none exists. The client always gets the same
// status; Reason has that of err (K-80).
func refuse(o *opened, err error) error {
	r := &Refusal{Status: ntstatus.LogonFailure, Reason: ntstatus.LogonFailure, Why: err}
	var f fault
	if errors.As(err, &f) {
		r.Reason = f.status
	}
	if o != nil {
		r.Client, r.Realm = o.client(), o.ticket.CRealm
	}
	return r
}
