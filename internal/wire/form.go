package wire

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A form is how a connection encodes frame bodies: binary or JSON. The client's hello chooses it for both sides (W-37).
type form uint8

const (
	inBinary form = iota
	inJSON
)

// formOf returns the encoding that a client's hello chooses. JSON starts with a brace, and a binary hello with the
// length of its first text.
func formOf(hello []byte) form {
	if len(hello) > 0 && hello[0] == '{' {
		return inJSON
	}
	return inBinary
}

// AppendInJSON appends an input structure, a value of the row's InType, as JSON.
func (r *Row) AppendInJSON(b []byte, in any) ([]byte, error) {
	return r.jsonIn.put(b, reflect.ValueOf(in))
}

// AppendOutJSON appends an output structure, a value of the row's OutType, as JSON.
func (r *Row) AppendOutJSON(b []byte, out any) ([]byte, error) {
	return r.jsonOut.put(b, reflect.ValueOf(out))
}

// DecodeInJSON decodes an input structure from JSON. An omitted field has its default. Trailing data is an error
// (W-6), and so is an unknown field. Every error wraps ErrValue.
func (r *Row) DecodeInJSON(b []byte) (any, error) { return decodeJSON(r.jsonIn, r.InType(), b) }

// DecodeOutJSON decodes an output structure from JSON. Trailing data is an error, and so is an unknown field. Every
// error wraps ErrValue.
func (r *Row) DecodeOutJSON(b []byte) (any, error) { return decodeJSON(r.jsonOut, r.OutType(), b) }

// decodeJSON decodes b into a new value of type t. It rejects trailing data. Every error wraps ErrValue. Even with an
// error it returns a value, which may be incomplete.
func decodeJSON(c *jsonCodec, t reflect.Type, b []byte) (any, error) {
	v := reflect.New(t).Elem()
	r := newJSONReader(b)
	err := c.get(r, v)
	if err == nil {
		err = r.Done()
	}
	return v.Interface(), malformed(err)
}

// newJSONReader returns a reader of a JSON body.
func newJSONReader(b []byte) *jsonReader {
	return &jsonReader{Reader: strict.Reader{Scanner: strict.Scanner{Bytes: b}}}
}

// malformed wraps an error in ErrValue. It returns nil for nil.
func malformed(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", ErrValue, err)
	}
	return nil
}

// request is a decoded call: the service, its input, whether the client wants the reason of a failure, and what the
// call waits for, if anything.
type request struct {
	known bool // the row is one of this side
	row   *Row
	why   bool // the reason of a failure is wanted
	in    any
	wait  WaitHead

	changes bool // its object can change: set for a call that waits for a single object
}

// request decodes the body of a frame that calls a service. known in the result is false for a service that this side
// does not have. An error wraps ErrValue.
func (s *Server) request(f *Frame) (request, error) { return s.requestAfter(f, f.Body) }

// requestAfter decodes the call in body, which is f's body without a preceding head. An unknown service sets known
// to false, and its parameters are not read. Malformed or trailing parameters of a known service are an error. A
// malformed wait head is always an error.
func (s *Server) requestAfter(f *Frame, body []byte) (q request, err error) {
	if s.form == inJSON {
		return jsonRequest(f, body)
	}
	if f.Kind == Wait {
		if q.wait, body, err = prefix(waitHead, body); err != nil {
			return q, err
		}
	}
	if q.row, q.known = rowOf(f); !q.known {
		return q, nil
	}
	r := &reader{b: body}
	if q.why = r.flag(); r.err != nil {
		return q, r.err
	}
	q.in, err = q.row.DecodeIn(r.b)
	return q, err
}

// rowOf returns the row, the codec of a service's parameters, that a frame names. ok is false for an unknown number.
func rowOf(f *Frame) (*Row, bool) {
	rows := Rows()
	if int(f.Service) >= len(rows) {
		return nil, false
	}
	return rows[f.Service], true
}

// requestFields are the JSON names of a call's body. A wait has all of them, any other call the first two.
var requestFields = []string{"Why", "In", "Handle", "NotYet"}

// jsonRequest decodes a call in JSON. If the service is unknown, it skips the parameters and sets known to false.
// Absent parameters have their defaults. An unknown or repeated field, and bytes after the object, are malformed.
func jsonRequest(f *Frame, body []byte) (q request, err error) {
	if q.row, q.known = rowOf(f); q.known {
		q.in = q.row.NothingIn()
	}
	names := requestFields
	if f.Kind != Wait {
		names = names[:2]
	}
	handle, status := jsonOf(reflect.TypeFor[uint64]()), jsonOf(reflect.TypeFor[ntstatus.Status]())
	r := newJSONReader(body)
	err = r.Object(names, func(i int) (err error) {
		switch {
		case i == 0:
			q.why, err = r.Boolean()
		case i == 2:
			err = handle.get(r, reflect.ValueOf(&q.wait.Handle).Elem())
		case i == 3:
			err = status.get(r, reflect.ValueOf(&q.wait.NotYet).Elem())
		case q.known:
			in := reflect.New(q.row.InType()).Elem()
			err = q.row.jsonIn.get(r, in)
			q.in = in.Interface()
		default:
			_, err = r.Raw()
		}
		return err
	})
	if err == nil {
		err = r.Done()
	}
	return q, malformed(err)
}

// out encodes the output of a call in the connection's form. A value of a type that cannot be sent is an error.
func (s *Server) out(r *Row, out any) ([]byte, error) {
	if s.form == inJSON {
		return r.AppendOutJSON(nil, out)
	}
	return r.AppendOut(nil, out)
}

// answered encodes the body of an answer: the number of descriptors if any, the head, and the output. JSON has the
// number of descriptors as a field.
func (s *Server) answered(a reply) []byte {
	n := len(a.files)
	if s.form != inJSON {
		b := make([]byte, 0, len(a.rest)+8)
		if n > 0 {
			b = append(b, byte(n))
		}
		return append(appendHead(b, &a.head), a.rest...)
	}
	b := answerHead.append(inJSON, nil, a.head)
	b = b[:len(b)-1]
	if n > 0 {
		b = fmt.Appendf(b, `,"Descriptors":%d`, n)
	}
	if len(a.rest) > 0 {
		b = append(append(b, `,"Out":`...), a.rest...)
	}
	return append(b, '}')
}

// complain sends a client that uses JSON the error of its frame before the connection ends (W-39). It sends nothing
// in the binary form, or for an error that is not about a value.
func (s *Server) complain(f *Frame, err error) {
	if s.form == inJSON && errors.Is(err, ErrValue) {
		why := &WhyBody{Rule: "W-6", Because: err.Error()}
		_ = s.answer(f, AnswerHead{Status: ntstatus.InvalidParameter, Why: why}, nil)
	}
}

// DecodeAnswerJSON decodes an answer in JSON and returns the JSON of its output, nil for an answer without output.
// Every error wraps ErrValue. An unknown or repeated field, and bytes after the object, are such errors.
func DecodeAnswerJSON(b []byte) (h AnswerHead, rest []byte, err error) {
	r := newJSONReader(b)
	status, why := jsonOf(reflect.TypeFor[ntstatus.Status]()), jsonOf(reflect.TypeFor[*WhyBody]())
	err = r.Object([]string{"Status", "Why", "Out"}, func(i int) (err error) {
		switch i {
		case 0:
			err = status.get(r, reflect.ValueOf(&h.Status).Elem())
		case 1:
			err = why.get(r, reflect.ValueOf(&h.Why).Elem())
		default:
			rest, err = r.Raw()
		}
		return err
	})
	if err == nil {
		err = r.Done()
	}
	return h, rest, malformed(err)
}

// ticket encodes a ticket as the body of an answer.
func (s *Server) ticket(k nt.Ticket) []byte {
	return ticketBody.append(s.form, nil, TicketBody{uint64(k)})
}

// handle returns the handle whose object the call waits for.
func (w WaitHead) handle() winnt.Handle { return winnt.Handle(w.Handle) }
