/**
 * The products of a room as this page knows them: the list in the host's order, which is pinned, which is being
 * explained. Pure. The words of the sale stream come in order, so a place in the list is what it was for the room.
 */

/**
 * @typedef {object} Goods
 * @property {Wire.Product[]} products
 * @property {string | null} pinned
 * @property {Wire.Explanation | null} explaining
 */

/**
 * @param {Partial<Pick<Wire.Snapshot, "products" | "pinned" | "explaining">>} [snapshot]
 * @returns {Goods}
 */
export function goodsOf(snapshot = {}) {
  return { products: snapshot.products ?? [], pinned: snapshot.pinned ?? null, explaining: snapshot.explaining ?? null };
}

/**
 * Applies an event to the goods; returns whether it was one of theirs.
 * @param {Goods} goods
 * @param {Wire.Down} event
 */
export function applyGoods(goods, { t, d }) {
  const others = () => goods.products.filter(({ product }) => product !== d.product);
  switch (t) {
    case "product.updated": {
      const { index, ...product } = d;
      const list = others();
      list.splice(index, 0, product);
      goods.products = list;
      return true;
    }
    case "product.removed":
      goods.products = others();
      return true;
    case "product.pinned":
      goods.pinned = d.product;
      return true;
    case "product.explained":
      goods.explaining = d.to === null || d.to === undefined ? d : goods.explaining?.product === d.product ? null : goods.explaining;
      return true;
    default:
      return false;
  }
}

/**
 * Returns the address of a picture that this page may show: its policy allows this server's own alone.
 * @param {string | undefined} image
 */
export function ownPicture(image) {
  return image?.startsWith("/") && !image.startsWith("//") ? image : null;
}

/**
 * Returns the address that one may be sent to, or null.
 * @param {string | undefined} url
 */
export function shopAddress(url) {
  return url && (/^https?:\/\//.test(url) || (url.startsWith("/") && !url.startsWith("//"))) ? url : null;
}
