package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/refmon/refmon/internal/strict"
)

// Error texts for one field.
const (
	fieldEmpty = "it is empty: give a value, or leave an optional field out"
	fieldNull  = "it is null: give a value, or leave an optional field out"
)

// strictRequests returns an option for a connect handler, which makes it reject malformed requests in each of its
// encodings.
func strictRequests() connect.HandlerOption {
	return connect.WithHandlerOptions(connect.WithCodec(strictCodec{"proto"}), connect.WithCodec(strictCodec{"json"}),
		connect.WithCodec(strictCodec{"json; charset=utf-8"}), connect.WithInterceptors(needsInterceptor{}))
}

// strictCodec decodes JSON or binary API requests. It rejects fields that are unknown, repeated, null or empty
// (G-35), which the codecs of package connect accept. It is immutable.
type strictCodec struct{ name string }

// Name returns the name of the encoding, as in the Content-Type after "application/".
func (c strictCodec) Name() string { return c.name }

// binary reports whether the codec reads and writes the binary encoding of protocol buffers, and not JSON.
func (c strictCodec) binary() bool { return c.name == "proto" }

// Marshal encodes a reply. It does not check its fields. A message that is not a proto.Message is an error. The
// result is JSON unless the codec is binary.
func (c strictCodec) Marshal(message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	switch {
	case !ok:
		return nil, fmt.Errorf("%T is not a message of the API", message)
	case c.binary():
		return proto.Marshal(m)
	}
	return protojson.Marshal(m)
}

// Unmarshal decodes data to message, which must be a proto.Message. It returns an error for fields that are unknown,
// repeated, null or empty. An empty JSON body is an error; an empty binary body is an empty message.
func (c strictCodec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a message of the API", message)
	}
	if c.binary() {
		if err := checkWire(m.ProtoReflect().Descriptor(), data); err != nil {
			return err
		}
		return proto.Unmarshal(data, m)
	}
	if len(data) == 0 {
		return errors.New("zero-length payload is not a valid JSON object")
	}
	r := strict.Reader{Scanner: strict.Scanner{Bytes: data}}
	err := checkJSON(m.ProtoReflect().Descriptor(), &r)
	if err == nil { // after an error, Done would report the unread rest instead
		err = r.Done()
	}
	if err != nil {
		return err
	}
	return protojson.Unmarshal(data, m)
}

// checkJSON rejects a malformed JSON request (G-35). checkJSON reads one object with the fields of m from r. An
// unknown, repeated or wrongly cased name and a null or empty value are errors, with their position. Types are not
// checked.
func checkJSON(m protoreflect.MessageDescriptor, r *strict.Reader) error {
	fields := m.Fields()
	names := make([]string, fields.Len())
	for i := range names {
		names[i] = fields.Get(i).JSONName()
	}
	slices.Sort(names)
	return r.Object(names, func(i int) error {
		f := fields.ByJSONName(names[i])
		if !f.IsList() {
			return checkJSONValue(f, r)
		}
		none := true
		if r.Null() {
			return r.Fail(fieldNull)
		}
		if err := r.Array(-1, func(int) error {
			none = false
			return checkJSONValue(f, r)
		}); err != nil {
			return err
		}
		if none {
			return r.Fail(fieldEmpty)
		}
		return nil
	})
}

// checkJSONValue reads the value of the field f, or one element of its list, from r. null, "" and {} are errors. A
// message is checked in turn. The error has the position in r.
func checkJSONValue(f protoreflect.FieldDescriptor, r *strict.Reader) error {
	switch {
	case r.Null():
		return r.Fail(fieldNull)
	case f.Kind() == protoreflect.MessageKind:
		if r.Peek() == '{' {
			inner := *r
			if it := inner.Scanner.Object(); !it.Next(&inner.Scanner) && inner.Err == nil {
				return r.Fail(fieldEmpty)
			}
		}
		return checkJSON(f.Message(), r)
	}
	v, err := r.Raw()
	if err == nil && string(v) == `""` {
		return r.Fail(fieldEmpty)
	}
	return err
}

// checkWire rejects malformed binary requests that package proto accepts (G-35). Fields may have any order, and an
// empty message b is valid. Errors, also in nested messages, are:
//   - a field that m does not define
//   - a repeated field that is no list
//   - a field that is empty or has the wrong wire type
func checkWire(m protoreflect.MessageDescriptor, b []byte) error {
	seen := map[protowire.Number]int{}
	var chosen protoreflect.FieldDescriptor // the present member of the message's oneof
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		f := m.Fields().ByNumber(number)
		if f == nil {
			return fmt.Errorf("unknown field %d in %s", number, m.Name())
		}
		name := string(f.Name())
		if f.IsList() {
			name += "[" + strconv.Itoa(seen[number]) + "]"
		}
		if seen[number]++; seen[number] > 1 && !f.IsList() {
			return fmt.Errorf("%s: given twice", name)
		}
		if f.ContainingOneof() != nil {
			if chosen != nil {
				// Package proto would accept both and use the last one.
				return fmt.Errorf("%s and %s: give only one of them", chosen.Name(), name)
			}
			chosen = f
		}
		b = b[n:]
		if kind != protowire.BytesType {
			// Every request field is text or a message, and both have this wire type.
			return fmt.Errorf("%s: it has another type", name)
		}
		value, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if len(value) == 0 {
			return fmt.Errorf("%s: %s", name, fieldEmpty)
		}
		if f.Kind() == protoreflect.MessageKind {
			if err := checkWire(f.Message(), value); err != nil {
				return fmt.Errorf("%s.%w", name, err)
			}
		}
	}
	return nil
}
