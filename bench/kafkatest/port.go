//go:build unix

package kafkatest

import (
	"runtime"
	"sync"
	"syscall"
)

// Port gives a port of this machine where nobody listens, and which nobody is
// given who asks for any one; who asks for this one gets it, again and again, until
// it is released. Only Linux lets somebody listen where another one is bound:
// elsewhere it is given back at once.
func Port() (port int, release func(), err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return 0, nil, err
	}
	release = sync.OnceFunc(func() { _ = syscall.Close(fd) })
	err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1) // as listeners of Go do
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		release()
		return 0, nil, err
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		release()
		return 0, nil, err
	}
	if runtime.GOOS != "linux" {
		release()
	}
	return at.(*syscall.SockaddrInet4).Port, release, nil
}
