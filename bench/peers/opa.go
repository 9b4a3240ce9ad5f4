package main

import (
	"context"
	_ "embed" // the policy
	"encoding/json"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/refmon/refmon/winnt"
)

//go:embed acl.rego
var regoPolicy string

// openOPA walks the list in Rego. The list is data, compiled into the store;
// the token is input, converted beforehand.
func openOPA() (*peer, error) {
	return &peer{
		name: "OPA (Rego)", version: moduleVersion("github.com/open-policy-agent/opa"),
		lacks: "nothing in principle, but provides no access check: this benchmark's policy contains the walk, " +
			"and would also need privileges, labels, owner, restricted and AppContainer passes",
		prepare: prepareOPA,
	}, nil
}

// prepareOPA compiles the policy for an input. It returns errCannotAsk for descriptors that are used once, because
// OPA has no such form.
func prepareOPA(in *input) (asker, error) {
	if in.kind == onceUsed {
		return nil, errCannotAsk
	}
	var acl []any
	for _, s := range in.acl {
		acl = append(acl, map[string]any{"allow": true, "mask": json.Number(fmt.Sprint(uint32(mask))), "sid": s.String()})
	}
	var bits []any
	for _, r := range rights() {
		bits = append(bits, json.Number(fmt.Sprint(uint32(r))))
	}
	sids := map[string]any{}
	for _, s := range in.token {
		sids[s.String()] = true
	}
	right := json.Number(fmt.Sprint(uint32(winnt.FILE_READ_DATA)))
	token, err := ast.InterfaceToValue(map[string]any{"sids": sids, "right": right})
	if err != nil {
		return nil, err
	}
	rule := "data.acl.allowed"
	if in.kind == maximum {
		rule = "data.acl.granted"
	}
	ctx := context.Background()
	store := inmem.NewFromObjectWithOpts(map[string]any{"list": acl, "bits": bits}, inmem.OptReturnASTValuesOnRead(true))
	q, err := rego.New(rego.Query("x = "+rule), rego.Module("acl.rego", regoPolicy), rego.Store(store)).PrepareForEval(ctx)
	if err != nil {
		return nil, err
	}
	return inProcess(func() (winnt.AccessMask, error) {
		r, err := q.Eval(ctx, rego.EvalParsedInput(token))
		if err != nil || len(r) != 1 {
			return 0, fmt.Errorf("opa: %d results: %w", len(r), err)
		}
		return regoMask(r[0].Bindings["x"])
	}), nil
}

// regoMask reads what the policy gives: whether the one right is granted, or
// the sum of the granted bits.
func regoMask(v any) (winnt.AccessMask, error) {
	switch v := v.(type) {
	case bool:
		if v {
			return winnt.FILE_READ_DATA, nil
		}
		return 0, nil
	case json.Number:
		n, err := v.Int64()
		return winnt.AccessMask(n), err
	}
	return 0, fmt.Errorf("opa gives %v", v)
}
