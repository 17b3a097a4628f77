// Speech to text with the package gorilla/websocket: go run session.go me.wav [SERVER].
//
// me.wav is mono, 16 bit, 16 kHz. It is sent at the speed of speech, as a microphone would.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

const start = `{"command": "START", "config": {"audio_format": "pcm16k16bit",
 "property": "english_16k_common", "interim_results": "yes"}}`

type message struct {
	RespType string `json:"resp_type"`
	Segments []struct {
		StartTime int  `json:"start_time"`
		IsFinal   bool `json:"is_final"`
		Result    struct {
			Text string `json:"text"`
		} `json:"result"`
	} `json:"segments"`
}

// readWav gives the bytes of a WAV file, header and all: the server skips the header.
func readWav(path string) ([]byte, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(bytes) < 44 || string(bytes[:4]) != "RIFF" || string(bytes[8:12]) != "WAVE" ||
		binary.LittleEndian.Uint16(bytes[22:]) != 1 ||
		binary.LittleEndian.Uint32(bytes[24:]) != 16000 ||
		binary.LittleEndian.Uint16(bytes[34:]) != 16 {
		return nil, fmt.Errorf("%s is no WAV file that is mono, 16 bit, 16 kHz", path)
	}
	return bytes, nil
}

func speak(socket *websocket.Conn, bytes []byte) {
	for len(bytes) > 0 {
		size := 3200 // 0.1 s
		if size > len(bytes) {
			size = len(bytes)
		}
		if socket.WriteMessage(websocket.BinaryMessage, bytes[:size]) != nil {
			return // The reader says why.
		}
		bytes = bytes[size:]
		time.Sleep(100 * time.Millisecond)
	}
	_ = socket.WriteMessage(websocket.TextMessage, []byte(`{"command": "END"}`))
}

func recognise(bytes []byte, server string) error {
	socket, _, err := websocket.DefaultDialer.Dial(server+"/v1/any/rasr/continue-stream", nil)
	if err != nil {
		return err
	}
	defer socket.Close()
	if err := socket.WriteMessage(websocket.TextMessage, []byte(start)); err != nil {
		return err
	}
	go speak(socket, bytes)
	for {
		_, text, err := socket.ReadMessage()
		if err != nil {
			return err
		}
		var received message
		if err := json.Unmarshal(text, &received); err != nil {
			return err
		}
		switch received.RespType {
		case "RESULT":
			segment := received.Segments[0]
			kind := "partial"
			if segment.IsFinal {
				kind = "final"
			}
			fmt.Println(kind, segment.StartTime, segment.Result.Text)
		case "END", "ERROR", "FATAL_ERROR":
			fmt.Println(string(text))
			return nil
		}
	}
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "which recording? go run session.go me.wav [ws://127.0.0.1:8765]")
		os.Exit(1)
	}
	server := "ws://127.0.0.1:8765"
	if len(os.Args) > 2 {
		server = os.Args[2]
	}
	bytes, err := readWav(os.Args[1])
	if err == nil {
		err = recognise(bytes, server)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "no recognition:", err)
		os.Exit(1)
	}
}
