package ps

import (
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Payer returns the account that pays for objects that the thread creates: the block of its process. If the thread
// impersonates another user, that client's share of the block pays. The result is the zero Payer if the process
// has no block.
func (t *Thread) Payer() quota.Payer {
	b := t.process.Quota()
	if b == nil {
		return quota.Payer{}
	}
	p := quota.Payer{Block: b}
	if r := t.imp.Load(); r != nil {
		if client := r.Token.Value().User().SID; client != t.process.Token().User().SID {
			p.Client = client
		}
	}
	return p
}

// PayerFor returns the account that pays for an object that the thread creates for a client whom it does not
// impersonate yet, such as the token of the client's logon. If the thread impersonates another user, that user pays
//
func (t *Thread) PayerFor(client sid.SID) quota.Payer {
	p := t.Payer()
	if p.Block != nil && p.Client.IsZero() && client != t.process.Token().User().SID {
		p.Client = client
	}
	return p
}

// payForToken charges a token that was created for the thread. If it fails, the caller must drop the token.
func (t *Thread) payForToken(tok *se.TokenObject) Outcome {
	if st := tok.Pay(t.Payer(), 0); st != ntstatus.Success {
		return Outcome{Status: st, Rule: "Q-2", Because: "the account has no quota left for a copy of the token"}
	}
	return Outcome{}
}

// Memory of a process and a thread without their headers, in bytes.
const (
	processSize = 4 << 10 // with the first entry of each of its tables
	threadSize  = 4 << 10 // with the context of its services, and saved impersonations
)

// HeapSize returns the bytes that the process is charged for, with its name. It implements [ob.Sized].
func (p *Process) HeapSize() int { return processSize + 2*len(p.name) }

// HeapSize returns the bytes that the thread is charged for, with its name. It implements [ob.Sized].
func (t *Thread) HeapSize() int { return threadSize + 2*len(t.process.name) }
