package kerberos

import (
	"errors"

	"github.com/refmon/refmon/ntstatus"
)

// Refusal says why a token was not taken. Its text is for the record, not for the
// client.
type Refusal struct {
	Status ntstatus.Status // what the client may hear
	// Reason is the documented status of the fault, for the record alone: the substatus of
	// event 4625. STATUS_LOGON_FAILURE stands for a fault without one of its own.
	Reason ntstatus.Status
	// Client and Realm are those of the ticket; "" for a token whose ticket no key opened.
	Client, Realm string
	Why           error
}

func (r *Refusal) Error() string {
	if r.Client == "" {
		return "kerberos: " + r.Why.Error()
	}
	return "kerberos: " + r.Client + "@" + r.Realm + ": " + r.Why.Error()
}

// Unwrap returns the reason.
func (r *Refusal) Unwrap() error { return r.Why }

// fault is a reason that has a documented status.
type fault struct {
	status ntstatus.Status
	error
}

// Unwrap returns the reason.
func (f fault) Unwrap() error { return f.error }

// refuse makes the refusal of a token, of which o was opened, nil for nothing. The client hears
// one status, and the record holds that of the fault (K-80).
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
