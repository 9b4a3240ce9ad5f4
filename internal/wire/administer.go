package wire

import "github.com/refmon/refmon/ntstatus"

// Administer is the kind of a frame with a request about the server's accounts. It is not a service, so traces of
// services leave it out. The server defines its body and that of the answer.
const Administer Kind = 64

// Administrator is an optional interface of a Process whose server has accounts. It decides by the process's token
// whether a request is allowed.
type Administrator interface {
	// Administer answers a request. It may block.
	Administer(request []byte) ([]byte, ntstatus.Status)
}

// administer handles a request about the server's accounts, on a new goroutine. The request counts as a call, but
// blocks no thread (W-3). A process without accounts answers STATUS_NOT_SUPPORTED. A request beyond a limit answers
// the status of admit. A returned error ends the connection.
func (s *Server) administer(f *Frame) error {
	a, ok := s.process.(Administrator)
	if !ok {
		return s.answer(f, AnswerHead{Status: ntstatus.NotSupported}, nil)
	}
	st, err := s.admit(f)
	if err != nil {
		return err
	}
	if st != ntstatus.Success {
		return s.answer(f, AnswerHead{Status: st}, nil)
	}
	s.running.Go(func() {
		rest, st := a.Administer(f.Body)
		s.done(f)
		if err := s.answer(f, AnswerHead{Status: st}, rest); err != nil {
			s.end(err)
		}
	})
	return nil
}
