// The road of a payment, walked by wechatpay-axios-plugin: node pay.mjs < {config, notify_url, certificate}; says what it saw.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import plugin from "wechatpay-axios-plugin";

const { Aes, Formatter, Rsa, Wechatpay } = plugin;
const { config, notify_url, certificate } = JSON.parse(readFileSync(0, "utf8"));
const base = config.WXPAY_BASE;
const mchid = config.WXPAY_MCHID;
const privateKey = readFileSync(config.WXPAY_MERCHANT_KEY_FILE);
const control = async (path, body) => {
  const reply = await fetch(`${base}/_sandbox/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!reply.ok) throw new Error(await reply.text());
  return reply.json();
};

const client = (serial, pem) =>
  new Wechatpay({
    mchid,
    serial: config.WXPAY_MERCHANT_SERIAL,
    privateKey,
    certs: { [serial]: pem },
    baseURL: `${base}/`,
    headers: serial.startsWith("PUB_KEY_ID_") ? { "Wechatpay-Serial": serial } : {},
    proxy: false,
  });
const byKey = client(config.WXPAY_PUBLIC_KEY_ID, readFileSync(config.WXPAY_PUBLIC_KEY_FILE));

const asked = {
  appid: config.WX_APPID,
  mchid,
  description: "楼道灯",
  out_trade_no: "NODE0001",
  notify_url,
  amount: { total: 1234, currency: "CNY" },
  payer: { openid: "lin" },
};
const prepaid = await byKey.v3.pay.transactions.jsapi.post(asked);
const [timeStamp, nonceStr] = [String(Formatter.timestamp()), Formatter.nonce()];
const bundle = `prepay_id=${prepaid.data.prepay_id}`;
const paySign = Rsa.sign(Formatter.joinedByLineFeed(config.WX_APPID, timeStamp, nonceStr, bundle), privateKey);
const payment = { timeStamp, nonceStr, package: bundle, signType: "RSA", paySign };
const heard = await control("pay", { openid: "lin", payment });

const order = await byKey.v3.pay.transactions.outTradeNo.$out_trade_no$.get({ params: { mchid }, out_trade_no: "NODE0001" });
const byId = await byKey.v3.pay.transactions.id[order.data.transaction_id].get({ params: { mchid } });
const refund = await byKey.v3.refund.domestic.refunds.post({
  out_trade_no: "NODE0001",
  out_refund_no: "NODE0001-R1",
  amount: { refund: 234, total: 1234, currency: "CNY" },
});
const refunded = await byKey.v3.refund.domestic.refunds.$out_refund_no$.get({ out_refund_no: "NODE0001-R1" });
await byKey.v3.pay.transactions.jsapi.post({ ...asked, out_trade_no: "NODE0002" });
const closed = await byKey.v3.pay.transactions.outTradeNo.$out_trade_no$.close.post({ mchid }, { out_trade_no: "NODE0002" });
const refusal = await byKey.v3.pay.transactions.jsapi
  .post({ ...asked, amount: { total: 1, currency: "CNY" } })
  .then(() => null, ({ response }) => [response.status, response.data.code]);
const transfer = await byKey.v3.fundApp.mchTransfer.transferBills.post({
  appid: config.WX_APPID,
  out_bill_no: "NODET1",
  transfer_scene_id: "1006",
  openid: "lin",
  transfer_amount: 100,
  transfer_remark: "报销",
  transfer_scene_report_infos: [{ info_type: "岗位类型", info_content: "居民" }],
});

const byCertificate = client(certificate.serial, certificate.pem);
const { data: [told] } = (await byCertificate.v3.certificates.get()).data;
const sealed = told.encrypt_certificate;
const opened = Aes.AesGcm.decrypt(sealed.ciphertext, config.WXPAY_APIV3_KEY, sealed.nonce, sealed.associated_data);

const [now] = (await control("clock", { advance_s: 0 })).now.split("T");
await control("clock", { advance_s: 2 * 86400 });
const { data: bill } = await byKey.v3.bill.tradebill.get({ params: { bill_date: now, bill_type: "ALL", tar_type: "GZIP" } });
const token = new URL(bill.download_url).searchParams.get("token");
const file = await byKey.v3.billdownload.file.get({ params: { token }, responseType: "arraybuffer" });
const plain = gunzipSync(Buffer.from(file.data));

console.log(
  JSON.stringify({
    heard,
    order: [order.data.trade_state, order.data.amount.total, order.data.payer.openid],
    same: byId.data.out_trade_no,
    refund: [refund.data.status, refund.data.amount.refund],
    refunded: refunded.data.out_refund_no,
    closed: closed.status,
    refusal,
    transfer: transfer.data.state,
    certificate: [told.serial_no === certificate.serial, opened === certificate.pem],
    bill: [createHash("sha1").update(plain).digest("hex") === bill.hash_value, plain.toString().trim().split("\r\n").length],
  }),
);
