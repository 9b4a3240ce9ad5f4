package wire

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"reflect"
	"sync"

	"github.com/refmon/refmon/nt"
)

// A Row describes one service on the wire: it encodes and decodes the service's input and output structures.
type Row struct {
	*nt.Row
	Service     uint16 // position in nt.NtTable
	Fingerprint uint64 // of the name and the types: equal rows understand each other (W-5)
	in, out     *codec

	jsonIn, jsonOut *jsonCodec
}

// Rows returns the rows of [nt.NtTable] in order. Kernel-mode routines are not in that table and cannot be called
// (W-4). The caller must not change the result.
var Rows = sync.OnceValue(func() []*Row {
	var rows []*Row
	for r := range nt.NtTable.All {
		row := &Row{Row: r, Service: uint16(len(rows)), in: codecOf(r.InType()), out: codecOf(r.OutType()),
			jsonIn: jsonOf(r.InType()), jsonOut: jsonOf(r.OutType())}
		sum := sha256.Sum256([]byte(r.Info().Name + "\n" + row.in.form + "\n" + row.out.form))
		row.Fingerprint = binary.LittleEndian.Uint64(sum[:])
		rows = append(rows, row)
	}
	return rows
})

// AppendIn appends the encoding of in, which must have the row's InType; another type panics. The error is a value
// that cannot be sent.
func (r *Row) AppendIn(b []byte, in any) ([]byte, error) { return r.in.put(b, reflect.ValueOf(in)) }

// AppendOut appends the encoding of out, which must have the row's OutType; another type panics. The error is a value
// that cannot be sent.
func (r *Row) AppendOut(b []byte, out any) ([]byte, error) {
	return r.out.put(b, reflect.ValueOf(out))
}

// DecodeIn decodes an input structure, a value of the row's InType. Byte slices in it refer to b. Trailing bytes are
// an error (W-6), and every error wraps ErrValue.
func (r *Row) DecodeIn(b []byte) (any, error) { return decode(r.in, r.InType(), b) }

// DecodeOut decodes an output structure, a value of the row's OutType. Byte slices in it refer to b. Trailing bytes
// are an error, and every error wraps ErrValue.
func (r *Row) DecodeOut(b []byte) (any, error) { return decode(r.out, r.OutType(), b) }

// outPrefix decodes an output structure at the start of b and returns the bytes after it. Too few bytes are an error.
func (r *Row) outPrefix(b []byte) (any, []byte, error) {
	v := reflect.New(r.OutType()).Elem()
	from := &reader{b: b}
	r.out.get(from, v)
	return v.Interface(), from.b, from.err
}

// Nothing returns the zero value of the output structure.
func (r *Row) Nothing() any { return reflect.Zero(r.OutType()).Interface() }

// NothingIn returns the zero value of the input structure.
func (r *Row) NothingIn() any { return reflect.Zero(r.InType()).Interface() }

// AppendCall appends the body of a call to b. why requests the reason of a failure. The error is a value in in that
// cannot be sent.
func (r *Row) AppendCall(b []byte, in any, why bool) ([]byte, error) {
	wanted := byte(0)
	if why {
		wanted = 1
	}
	return r.AppendIn(append(b, wanted), in)
}

// decode decodes a value of type t. Trailing bytes are an error. With an error it also returns the incomplete value.
// The result may refer to b.
func decode(c *codec, t reflect.Type, b []byte) (any, error) {
	v := reflect.New(t).Elem()
	r := &reader{b: b}
	c.get(r, v)
	if len(r.b) > 0 {
		r.fail("%d bytes too many", len(r.b))
	}
	return v.Interface(), r.err
}

// value has the codecs of one type that belongs to no row.
type value[T any] struct {
	c func() *codec
	j func() *jsonCodec
}

// valueOf returns the binary and JSON codecs of a frame body type T. They are created at their first use.
func valueOf[T any]() value[T] {
	t := reflect.TypeFor[T]()
	return value[T]{sync.OnceValue(func() *codec { return codecOf(t) }),
		sync.OnceValue(func() *jsonCodec { return jsonOf(t) })}
}

// append appends x to b in binary or JSON. It cannot fail.
func (v value[T]) append(to form, b []byte, x T) []byte {
	put := v.c().put
	if to == inJSON {
		put = v.j().put
	}
	b, err := put(b, reflect.ValueOf(x))
	if err != nil {
		panic(err) // unreachable: none of these types holds an interface
	}
	return b
}

// decode decodes all of b from binary or JSON. With an error it returns the zero value.
func (v value[T]) decode(from form, b []byte) (T, error) {
	x, err := any(nil), error(nil)
	if from == inJSON {
		x, err = decodeJSON(v.j(), reflect.TypeFor[T](), b)
	} else {
		x, err = decode(v.c(), reflect.TypeFor[T](), b)
	}
	if err != nil {
		return *new(T), err
	}
	return x.(T), nil
}

// prefix decodes a value and returns the bytes after it.
func prefix[T any](v value[T], b []byte) (x T, rest []byte, err error) {
	r := &reader{b: b}
	v.c().get(r, reflect.ValueOf(&x).Elem())
	return x, r.b, r.err
}

// HelloBody is the body of a hello. Each side lists its rows in the order of their numbers. The server also sends
// its process and thread.
type HelloBody struct {
	Magic   string // "refmon"
	Version uint32
	Profile uint8  // of the server's kernel
	Process uint64 // id of the process; 0 from a client
	Thread  string // name of the first thread, whose number is 1
	Rows    []RowName
}

// RowName names a row and its version.
type RowName struct {
	Name        string
	Fingerprint uint64
}

const magic = "refmon"

var helloBody = valueOf[HelloBody]()

// AppendHello appends the body of a hello. It replaces h's Magic, Version and Rows.
func AppendHello(b []byte, h HelloBody) []byte { return appendHello(inBinary, b, h) }

// appendHello appends a hello frame's body. It sets the magic number, the version and the service table of h.
func appendHello(to form, b []byte, h HelloBody) []byte {
	h.Magic, h.Version, h.Rows = magic, Version, nil
	for _, r := range Rows() {
		h.Rows = append(h.Rows, RowName{r.Info().Name, r.Fingerprint})
	}
	return helloBody.append(to, b, h)
}

// DecodeHello decodes a hello in either form, binary or JSON. Another version or protocol is an error (W-1). It does
// not compare the rows. With an error the returned hello may be incomplete.
func DecodeHello(b []byte) (HelloBody, error) {
	h, err := helloBody.decode(formOf(b), b)
	switch {
	case err != nil:
		return h, fmt.Errorf("hello: %w", err)
	case h.Magic != magic:
		return h, fmt.Errorf("hello: %w: the other side does not speak this protocol", ErrValue)
	case h.Version != Version:
		return h, fmt.Errorf("hello: %w: version %d, want %d: use client and daemon of one release", ErrValue,
			h.Version, Version)
	}
	return h, nil
}
