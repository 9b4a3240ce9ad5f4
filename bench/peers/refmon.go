package main

import (
	"errors"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// refmonAsker asks refmon's complete pipeline. It is written out, not an
// inProcess: a call through a function value would be a tenth of the figure.
type refmonAsker struct {
	in    *input
	token *token.Token
	sd    *sd.Descriptor
}

// openRefmon returns the peer for this tree. It never fails.
func openRefmon() (*peer, error) {
	return &peer{name: "refmon", version: "this tree", prepare: func(in *input) (asker, error) {
		spec := token.Spec{User: token.Group{SID: in.token[0]}}
		for _, s := range in.token[1:] {
			spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
		}
		t, err := token.New(spec)
		if err != nil {
			return nil, err
		}
		d, err := sd.Decode(in.raw)
		return &refmonAsker{in, t, d}, err
	}}, nil
}

func (a *refmonAsker) answer() (winnt.AccessMask, error) {
	d, err := access.Check(a.token, a.sd, a.in.kind.desired(), winnt.FileObject)
	if a.in.kind == onceUsed {
		d, err = access.CheckBytes(a.token, a.in.raw, a.in.kind.desired(), winnt.FileObject)
	}
	return d.Granted, err
}

var decision access.Decision // kept, so that no check is optimised away

// ask runs the access check n times and returns the CPU time that it took. It returns errChanged if the last decision
// is wrong.
func (a *refmonAsker) ask(n int) (time.Duration, error) {
	var err error
	desired := a.in.kind.desired()
	t0 := clock()
	if a.in.kind == onceUsed {
		for range n {
			decision, err = access.CheckBytes(a.token, a.in.raw, desired, winnt.FileObject)
		}
	} else {
		for range n {
			decision, err = access.Check(a.token, a.sd, desired, winnt.FileObject)
		}
	}
	took := clock() - t0
	if err == nil && decision.Allowed() != a.in.member {
		return 0, errChanged
	}
	return took, err
}

var errChanged = errors.New("the answer is not the one of the first time")
