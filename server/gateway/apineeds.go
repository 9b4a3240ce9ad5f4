package gateway

import (
	"context"
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// need says whether a request's field may be absent.
type need uint8

// The zero value rejects every message that has such a field in its definition, so that a new field must be added to
// fieldNeeds.
const (
	undecided need = iota
	optional       // the request works without it
	required
	either // at least one field of the message with this need must be present
)

// fieldNeeds has the fields of all requests. The needs of an inner message apply if it is present.
var fieldNeeds = map[protoreflect.FullName]need{
	"refmon.v1.Object.path":              either,
	"refmon.v1.Object.sddl":              either,
	"refmon.v1.CheckRequest.object":      required,
	"refmon.v1.CheckRequest.rights":      required,
	"refmon.v1.CheckRequest.account":     optional,
	"refmon.v1.CheckBatchRequest.checks": required,
	"refmon.v1.ExplainRequest.check":     required,
	"refmon.v1.WhoCanRequest.object":     required,
	"refmon.v1.WhoCanRequest.accounts":   optional,
	"refmon.v1.WhatCanRequest.account":   optional,
	"refmon.v1.WhatCanRequest.objects":   required,
	"refmon.v1.LookUpRequest.names":      either,
	"refmon.v1.LookUpRequest.sids":       either,
}

// fieldAdvice has the hint for a missing field.
var fieldAdvice = map[protoreflect.FullName]string{
	"refmon.v1.CheckRequest.rights": ": name the rights to check, such as FILE_READ_DATA; " +
		"MAXIMUM_ALLOWED requests all available rights",
	"refmon.v1.CheckRequest.object":  `: give {"path": "/TREE/FILE"} or {"sddl": "O:…"}`,
	"refmon.v1.WhoCanRequest.object": `: give {"path": "/TREE/FILE"} or {"sddl": "O:…"}`,
}

// needsInterceptor rejects requests without a required field (G-36). A codec cannot do that,
// because package connect does not decode empty messages. It implements connect.Interceptor.
type needsInterceptor struct{}

// WrapUnary returns a function that calls next, or fails with InvalidArgument if the request has no value for a
// required field.
func (needsInterceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		if err := checkRequest(r.Any()); err != nil {
			return nil, err
		}
		return next(ctx, r)
	}
}

// WrapStreamingClient returns next, because the interceptor checks only servers.
func (needsInterceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler returns a function that calls next with a connection that checks each request.
func (needsInterceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, c connect.StreamingHandlerConn) error { return next(ctx, needsConn{c}) }
}

// needsConn is a server's streaming connection that checks each request for its required fields.
type needsConn struct{ connect.StreamingHandlerConn }

// Receive reads the next request into message. It fails with InvalidArgument if a required field is missing.
func (c needsConn) Receive(message any) error {
	if err := c.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	return checkRequest(message)
}

// checkRequest returns nil if a request has all required fields, else an InvalidArgument error that names the first
// missing one. A message that is not of the API is an Internal error.
func checkRequest(message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return connect.NewError(connect.CodeInternal, fmt.Errorf("%T is not a message of the API", message))
	}
	if err := checkNeeds(m.ProtoReflect()); err != nil {
		return connect.NewError(connect.CodeInvalidArgument, err)
	}
	return nil
}

// checkNeeds returns nil if a message has all required fields; the error names the first missing one. checkNeeds also
// checks nested messages that are present. Of the fields with the need "either" one suffices. A field that is not
// served is always an error. A request without rights is an error, never a request for the maximum (G-36).
func checkNeeds(m protoreflect.Message) error {
	var choice []string
	chosen := false
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		name, has := string(f.Name()), m.Has(f)
		switch fieldNeeds[f.FullName()] {
		case optional:
		case required:
			if !has {
				return fmt.Errorf("%s is missing%s", name, fieldAdvice[f.FullName()])
			}
		case either:
			choice, chosen = append(choice, name), chosen || has
		case undecided:
			return fmt.Errorf("%s is not served", f.FullName())
		}
		if !has || f.Kind() != protoreflect.MessageKind {
			continue
		}
		if !f.IsList() {
			if err := checkNeeds(m.Get(f).Message()); err != nil {
				return fmt.Errorf("%s.%w", name, err)
			}
			continue
		}
		for j := range m.Get(f).List().Len() {
			if err := checkNeeds(m.Get(f).List().Get(j).Message()); err != nil {
				return fmt.Errorf("%s[%d].%w", name, j, err)
			}
		}
	}
	if len(choice) > 0 && !chosen {
		return fmt.Errorf("%s and %s are missing: give one of them", choice[0], choice[1])
	}
	return nil
}
