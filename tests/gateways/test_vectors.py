"""The platform's own examples through the sandbox's code, and round trips of anything at all."""

import base64
import json

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto, WeChatWxaCrypto
from wechatpy.exceptions import InvalidSignatureException
from wechatpy.utils import check_signature, check_wxa_signature

from sandbox import people, push_crypto, push_form, user_data

SAFE_KEY, SAFE_APPID = "A" * 43, "wxba5fad812f8e6fb9"
SAFE_ENCRYPT = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8X"
    "GT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIj"
    "df8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
)
RAW_DATA = (
    '{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN",'
    '"avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujx'
    'yzYsrztuuICqIM5ibXQ/0"}'
)
ENCRYPTED_DATA = (
    "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKU"
    "Qz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fj"
    "pXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5"
    "Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85"
    "IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew=="
)
WORDS = st.text(st.characters(codec="utf-8"), max_size=300)


def test_the_official_check_of_the_address() -> None:
    expected = "f464b24fc39322e44b38aa78f5edd27bd1441696"
    assert push_crypto.signature("AAAAA", "1714036504", "1514711492") == expected
    check_signature("AAAAA", expected, "1714036504", "1514711492")


def test_the_official_plain_push() -> None:
    signature = push_crypto.signature("AAAAA", "1714037059", "486452656")
    assert signature == "899cf89e464efb63f54ddac96b0a0a235f53aa78"


def test_the_official_safe_push() -> None:
    signature = push_crypto.signature("AAAAA", "1714112445", "415670741", SAFE_ENCRYPT)
    assert signature == "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"
    message, appid = push_crypto.unseal(SAFE_KEY, SAFE_ENCRYPT)
    assert (json.loads(message)["Event"], appid) == ("debug_demo", SAFE_APPID)
    sealed_again = push_crypto.seal(SAFE_KEY, appid, message, _random_of(SAFE_ENCRYPT))
    assert sealed_again == SAFE_ENCRYPT


def test_the_official_encrypted_reply() -> None:
    sealed = push_crypto.seal(SAFE_KEY, SAFE_APPID, b'{"demo_resp":"good luck"}', b"707722b803182950")
    assert sealed == "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
    signature = push_crypto.signature("AAAAA", "1713424427", "415670741", sealed)
    assert signature == "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"


def test_the_official_session_signature() -> None:
    signature = people.session_signature("o0q0otL8aEzpcZL/FT9WsQ==", '{"foo":"bar"}')
    assert signature == "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b"


def test_the_official_raw_data() -> None:
    session_key, expected = "HyVFkGl5F5OQWJZZaNzBBg==", "75e81ceda165f4ffa64f4068af58c64b8f54b88c"
    assert user_data.raw_signature(session_key, RAW_DATA) == expected
    check_wxa_signature(session_key, RAW_DATA, expected)


def test_the_official_encrypted_data() -> None:
    session_key, iv, appid = "tiihtNczf5v6AKRyjwEUhQ==", "r7BXXKkLb8qrSNn05n0qiA==", "wx4f4bc4dec97d474b"
    read = WeChatWxaCrypto(session_key, iv, appid).decrypt_message(ENCRYPTED_DATA)
    assert (read["openId"], read["watermark"]["timestamp"]) == ("oGZUI0egBJY1zhBYw2KhdUfwVJJE", 1477314187)
    plain = json.dumps(read, ensure_ascii=False, separators=(",", ":")).encode()
    assert user_data.seal(session_key, iv, plain) == ENCRYPTED_DATA


@given(message=st.binary(max_size=2000), appid=st.text("wx0123456789abcdef", min_size=1, max_size=32))
def test_what_is_sealed_is_unsealed(message: bytes, appid: str) -> None:
    assert push_crypto.unseal(SAFE_KEY, push_crypto.seal(SAFE_KEY, appid, message)) == (message, appid)


@given(text=WORDS)
def test_wechatpy_reads_what_is_sealed_and_nothing_that_was_touched(text: str) -> None:
    sealed = push_crypto.seal(SAFE_KEY, SAFE_APPID, text.encode())
    signature = push_crypto.signature("AAAAA", "1714112445", "415670741", sealed)
    crypto = WeChatCrypto("AAAAA", SAFE_KEY, SAFE_APPID)
    assert crypto.decrypt_message({"Encrypt": sealed}, signature, "1714112445", "415670741") == text
    with pytest.raises(InvalidSignatureException):
        crypto.decrypt_message({"Encrypt": sealed}, signature, "1714112446", "415670741")


@given(noise=st.binary(max_size=64))
def test_noise_is_refused_or_for_nobody(noise: bytes) -> None:
    try:
        _, appid = push_crypto.unseal(SAFE_KEY, base64.b64encode(noise).decode())
    except ValueError:
        return
    assert appid != SAFE_APPID  # padded well by chance, but for no app


@given(data=st.dictionaries(st.text("abcXYZ", min_size=1, max_size=8), WORDS, max_size=5))
def test_wechatpy_reads_encrypted_data_of_any_kind(data: dict[str, str]) -> None:
    session_key = base64.b64encode(bytes(range(16))).decode()
    given = user_data.handed_over(session_key, SAFE_APPID, data, 1714112445)
    check_wxa_signature(session_key, given["rawData"], given["signature"])
    read = WeChatWxaCrypto(session_key, given["iv"], SAFE_APPID).decrypt_message(given["encryptedData"])
    assert {name: read[name] for name in data} == data
    assert read["watermark"] == {"timestamp": 1714112445, "appid": SAFE_APPID}


# What XML can carry at all: no control characters, and line ends are all the same to it.
IN_XML = st.text(st.characters(min_codepoint=0x20, codec="utf-8", exclude_characters="\ufffe\uffff\x85"), max_size=100)


@given(texts=st.lists(IN_XML, min_size=2, max_size=4))
def test_any_text_survives_xml(texts: list[str]) -> None:
    entries = [{"TemplateId": text} for text in texts]
    written = push_form.xml({"Event": "subscribe_msg_popup_event", "CreateTime": 7, "List": entries})
    read = ElementTree.fromstring(written)
    assert [entry.findtext("TemplateId") for entry in read.findall("SubscribeMsgPopupEvent/List")] == texts
    assert read.findtext("CreateTime") == "7"


def _random_of(sealed: str) -> bytes:
    decryptor = push_crypto._cipher(SAFE_KEY).decryptor()
    return decryptor.update(base64.b64decode(sealed))[:16]
